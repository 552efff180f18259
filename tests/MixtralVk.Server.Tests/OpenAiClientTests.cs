using System.ClientModel;
using System.Text;
using System.Text.Json;

namespace MixtralVk.Server.Tests;

// Inside the namespace, these names come before those of the engine.
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

/// <summary>The official OpenAI package for .NET as a client.</summary>
[Collection(nameof(SharedServer))]
public sealed class OpenAiClientTests(SharedServer shared)
{
    private const string Persona = "You are Brannor, a gruff blacksmith from Oakhaven. You love honey cake. You are afraid of wolves.";
    private static readonly ChatMessage[] s_conversation = [new SystemChatMessage(Persona), new UserChatMessage("Hello, who are you?")];

    private readonly OpenAIClient _client =
        new(new ApiKeyCredential("not needed"), new OpenAIClientOptions { Endpoint = new Uri(shared.Server.Address, "/v1"),
        RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });

    private ChatClient Chat => _client.GetChatClient(RunningServer.ModelId);

    [Fact]
    public async Task A_chat_is_answered()
    {
        ChatCompletion answer = await Chat.CompleteChatAsync(s_conversation);
        Assert.Contains("Brannor", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(ChatMessageRole.Assistant, answer.Role);
        Assert.Equal(RunningServer.ModelId, answer.Model);
        Assert.True(answer.Usage.InputTokenCount > 20 && answer.Usage.OutputTokenCount > 5);
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task A_conversation_goes_on_from_what_is_computed()
    {
        ChatCompletion first = await Chat.CompleteChatAsync(s_conversation);
        ChatCompletion second = await Chat.CompleteChatAsync([.. s_conversation, new AssistantChatMessage(first),
            new UserChatMessage("What are you afraid of?")]);
        Assert.Contains("wolves", second.Content[0].Text);
        Assert.True(second.Usage.InputTokenDetails.CachedTokenCount >= first.Usage.InputTokenCount);
    }

    [Fact]
    public async Task A_stream_has_the_same_text_in_pieces()
    {
        ChatCompletion whole = await Chat.CompleteChatAsync(s_conversation);
        var text = new StringBuilder();
        int pieces = 0;
        ChatFinishReason? reason = null;
        ChatTokenUsage? usage = null;
        await foreach (StreamingChatCompletionUpdate update in Chat.CompleteChatStreamingAsync(s_conversation))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate) (_, pieces) = (text.Append(part.Text), pieces + 1);
            reason ??= update.FinishReason;
            usage ??= update.Usage;
        }
        Assert.Equal(whole.Content[0].Text, text.ToString());
        Assert.True(pieces > 3);
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.Equal(whole.Usage.OutputTokenCount, usage!.OutputTokenCount);
    }

    [Fact]
    public async Task An_answer_ends_at_a_stop_text_and_at_its_limit()
    {
        string whole = (await Chat.CompleteChatAsync(s_conversation)).Value.Content[0].Text;
        ChatCompletion stopped = await Chat.CompleteChatAsync(s_conversation, new ChatCompletionOptions { StopSequences = { "annor" } });
        Assert.Equal(whole[..whole.IndexOf("annor", StringComparison.Ordinal)], stopped.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
        ChatCompletion limited = await Chat.CompleteChatAsync(s_conversation, new ChatCompletionOptions { MaxOutputTokenCount = 4 });
        Assert.Equal(4, limited.Usage.OutputTokenCount);
        Assert.Equal(ChatFinishReason.Length, limited.FinishReason);
    }

    [Fact]
    public async Task A_seed_gives_the_same_text_again()
    {
#pragma warning disable OPENAI001 // the package marks seeds as experimental
        var options = new ChatCompletionOptions { Temperature = 2, Seed = 7 };
#pragma warning restore OPENAI001
        ChatCompletion first = await Chat.CompleteChatAsync(s_conversation, options),
            second = await Chat.CompleteChatAsync(s_conversation, options);
        Assert.Equal(first.Content[0].Text, second.Content[0].Text);
    }

    [Theory]
    [InlineData(0.0f)]
    [InlineData(2.0f)]
    public async Task A_schema_is_obeyed(float temperature)
    {
        BinaryData schema = BinaryData.FromString("""
            {"type":"object","properties":{"mood":{"enum":["calm","angry"]},"gold":{"type":"integer","minimum":0,"maximum":99}},"required":["mood","gold"],"additionalProperties":false}
            """);
        ChatCompletion answer = await Chat.CompleteChatAsync(s_conversation,
            new ChatCompletionOptions { Temperature = temperature,
                ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("mood", schema, jsonSchemaIsStrict: true) });
        using JsonDocument json = JsonDocument.Parse(answer.Content[0].Text);
        Assert.Contains(json.RootElement.GetProperty("mood").GetString(), new[] { "calm", "angry" });
        Assert.InRange(json.RootElement.GetProperty("gold").GetInt32(), 0, 99);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
    }

    [Fact]
    public async Task A_json_object_is_an_object()
    {
        ChatCompletion answer = await Chat.CompleteChatAsync(s_conversation,
            new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat(), MaxOutputTokenCount = 20 });
        using JsonDocument json = JsonDocument.Parse(answer.Content[0].Text);
        Assert.Equal(JsonValueKind.Object, json.RootElement.ValueKind);
    }

    [Fact]
    public async Task Errors_arrive_as_the_clients_exception()
    {
        ClientResultException unknown =
            await Assert.ThrowsAsync<ClientResultException>(() => _client.GetChatClient("gpt-4o").CompleteChatAsync(s_conversation));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("model_not_found", unknown.Message);
        ClientResultException tooLong = await Assert.ThrowsAsync<ClientResultException>(
            () => Chat.CompleteChatAsync(new UserChatMessage(string.Join(' ', Enumerable.Repeat("wolves", 600)))));
        Assert.Equal(400, tooLong.Status);
        Assert.Contains("context_length_exceeded", tooLong.Message);
    }

    [Fact]
    public async Task Texts_become_vectors()
    {
        OpenAI.Embeddings.EmbeddingClient client = _client.GetEmbeddingClient(RunningServer.ModelId);
        OpenAI.Embeddings.OpenAIEmbeddingCollection vectors =
            await client.GenerateEmbeddingsAsync(["I am afraid of wolves.", "I am afraid of wolves!", "The mill is open from ten to six."]);
        float[][] v = [.. vectors.Select(vector => vector.ToFloats().ToArray())];
        Assert.All(v, vector => Assert.Equal(1, Similarity(vector, vector), 1e-5));
        Assert.True(Similarity(v[0], v[1]) > Similarity(v[0], v[2]));
        Assert.True(vectors.Usage.InputTokenCount > 10);
        float[] alone = (await client.GenerateEmbeddingAsync("I am afraid of wolves.")).Value.ToFloats().ToArray();
        Assert.Equal(v[0], alone);
        Assert.Equal(400, (await Assert.ThrowsAsync<ClientResultException>(() =>
            client.GenerateEmbeddingAsync(string.Join(' ', Enumerable.Repeat("wolves", 600))))).Status);

        static float Similarity(float[] a, float[] b) => a.Zip(b, (x, y) => x * y).Sum();
    }

    [Fact]
    public async Task Models_are_listed()
    {
        OpenAIModelCollection models = await _client.GetOpenAIModelClient().GetModelsAsync();
        Assert.Equal([RunningServer.ModelId], models.Select(model => model.Id));
        OpenAIModel model = await _client.GetOpenAIModelClient().GetModelAsync(RunningServer.ModelId);
        Assert.Equal("mixtralvk", model.OwnedBy);
    }
}
