using System.ClientModel;
using System.Text;

namespace MixtralVk.Server.Tests;

// Inside the namespace, these names come before those of the engine.
using Microsoft.Extensions.AI;
using OpenAI;

/// <summary>Microsoft.Extensions.AI as a client.</summary>
[Collection(nameof(SharedServer))]
public sealed class ExtensionsAiTests(SharedServer shared)
{
    private readonly IChatClient _client =
        new OpenAIClient(new ApiKeyCredential("not needed"), new OpenAIClientOptions { Endpoint = new Uri(shared.Server.Address, "/v1") })
        .GetChatClient(RunningServer.ModelId).AsIChatClient();

    [Fact]
    public async Task A_chat_and_its_stream_are_the_same()
    {
        ChatMessage[] conversation = [new(ChatRole.System, "You are Mira, a kind baker from Oakvale. You sell a red loaf for 3 gold."),
            new(ChatRole.User, "Hello, who are you?")];
        ChatResponse response = await _client.GetResponseAsync(conversation);
        Assert.Contains("Mira", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        var streamed = new StringBuilder();
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(conversation)) streamed.Append(update.Text);
        Assert.Equal(response.Text, streamed.ToString());
    }

    [Fact]
    public async Task A_typed_answer_is_parsed()
    {
        ChatResponse<Offer> response = await _client.GetResponseAsync<Offer>("What do you sell?", new ChatOptions { MaxOutputTokens = 60 });
        Assert.NotNull(response.Result.Ware);
    }

    // A number of a constrained answer has up to 15 digits.
    internal sealed record Offer(string Ware, long Price);
}
