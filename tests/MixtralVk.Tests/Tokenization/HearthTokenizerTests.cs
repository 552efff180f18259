using System.Text.Json;
using MixtralVk.Loading;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Tokenization;

/// <summary>The shipped model's own vocabulary and template, against llama.cpp.</summary>
public class HearthTokenizerTests
{
    private static readonly (Tokenizer Tokenizer, string? Template) s_hearth = Read();

    [Fact]
    public void ShippedVocabularyGivesTheTokensOfLlamaCpp()
    {
        int cases = 0;
        foreach ((string text, int[] ids) in Vocabularies.Cases("hearth.json"))
        {
            Assert.Equal(ids, s_hearth.Tokenizer.Encode(text, parseSpecial: true));
            Assert.Equal(text.Replace('\u2581', ' '), s_hearth.Tokenizer.Decode(ids));
            cases++;
        }
        Assert.True(cases > 100);
    }

    [Fact]
    public void ConversationsBecomeTheTokensOfLlamaCpp()
    {
        ChatTemplate template = ChatTemplate.Recognize(s_hearth.Tokenizer, s_hearth.Template);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(Vocabularies.Golden("hearth.json")));
        JsonElement chats = json.RootElement.GetProperty("chats");
        foreach (JsonElement chat in chats.EnumerateArray())
        {
            ChatMessage[] messages = [.. chat.GetProperty("messages").EnumerateArray().Select(m =>
                new ChatMessage(Enum.Parse<ChatRole>(m[0].GetString()!, ignoreCase: true), m[1].GetString()!))];
            Assert.Equal(chat.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), template.Encode(messages));
        }
        Assert.True(chats.GetArrayLength() >= 4);
    }

    private static (Tokenizer, string?) Read()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        return (new Tokenizer(source.Vocabulary), source.Vocabulary.ChatTemplate);
    }
}
