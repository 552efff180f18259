using System.ClientModel;
using System.Text;
using System.Text.Json;

namespace MixtralVk.Server.Tests;

// Inside the namespace, these names come before those of the engine.
using OpenAI;
using OpenAI.Chat;

/// <summary>Functions that the model may call, and the probabilities of its words.</summary>
[Collection(nameof(SharedServer))]
public sealed class ToolTests(SharedServer shared)
{
    private static readonly ChatTool s_price = ChatTool.CreateFunctionTool("get_price", "Tells the price of a ware.", BinaryData.FromString("""
        {"type":"object","properties":{"ware":{"$ref":"#/$defs/ware"},"count":{"type":"integer","minimum":1,"maximum":9}},"required":["ware","count"],"additionalProperties":false,
         "$defs":{"ware":{"enum":["loaf","cake"]}}}
        """));
    private static readonly ChatTool s_open = ChatTool.CreateFunctionTool("is_open");
    private static readonly ChatMessage s_question = new UserChatMessage("What does a cake cost?");

    private readonly RunningServer _server = shared.Server;
    private readonly ChatClient _chat = new OpenAIClient(new ApiKeyCredential("not needed"),
        new OpenAIClientOptions { Endpoint = new Uri(shared.Server.Address, "/v1") }).GetChatClient(RunningServer.ModelId);

    [Theory]
    [InlineData(0.0f)]
    [InlineData(2.0f)]
    public async Task A_required_call_is_one_that_can_be_made(float temperature)
    {
        ChatCompletion answer = await _chat.CompleteChatAsync([s_question], new ChatCompletionOptions { Tools = { s_price, s_open },
            ToolChoice = ChatToolChoice.CreateRequiredChoice(), Temperature = temperature });
        Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
        Assert.NotEmpty(answer.ToolCalls);
        Assert.Equal(answer.ToolCalls.Count, answer.ToolCalls.Select(call => call.Id).Distinct().Count());
        Assert.All(answer.ToolCalls, AssertCall);
    }

    [Fact]
    public async Task A_named_function_is_called_once_and_its_result_read()
    {
        var options = new ChatCompletionOptions { Tools = { s_price, s_open },
            ToolChoice = ChatToolChoice.CreateFunctionChoice("get_price") };
        ChatCompletion answer = await _chat.CompleteChatAsync([s_question], options);
        ChatToolCall call = Assert.Single(answer.ToolCalls);
        Assert.Equal("get_price", call.FunctionName);
        AssertCall(call);
        ChatCompletion after = await _chat.CompleteChatAsync([s_question, new AssistantChatMessage(answer),
            new ToolChatMessage(call.Id, "5 gold")], new ChatCompletionOptions { Tools = { s_price } });
        Assert.True(after.ToolCalls.Count > 0 || after.Content[0].Text.Length > 0);
    }

    [Fact]
    public async Task A_stream_has_the_call_whole()
    {
        var arguments = new StringBuilder();
        string? name = null;
        ChatFinishReason? reason = null;
        await foreach (StreamingChatCompletionUpdate update in _chat.CompleteChatStreamingAsync([s_question],
            new ChatCompletionOptions { Tools = { s_price }, ToolChoice = ChatToolChoice.CreateRequiredChoice(),
            AllowParallelToolCalls = false }))
        {
            foreach (StreamingChatToolCallUpdate call in update.ToolCallUpdates)
                (name, _) = (name ?? call.FunctionName, arguments.Append(call.FunctionArgumentsUpdate));
            Assert.Empty(update.ContentUpdate);
            reason ??= update.FinishReason;
        }
        Assert.Equal("get_price", name);
        Assert.Contains(JsonDocument.Parse(arguments.ToString()).RootElement.GetProperty("ware").GetString(), new[] { "loaf", "cake" });
        Assert.Equal(ChatFinishReason.ToolCalls, reason);
    }

    [Fact]
    public async Task A_free_answer_is_a_text_or_a_call()
    {
        ChatCompletion answer = await _chat.CompleteChatAsync([new SystemChatMessage("You are Brannor, a gruff blacksmith from Oakhaven."),
            new UserChatMessage("Hello, who are you?")], new ChatCompletionOptions { Tools = { s_open } });
        if (answer.ToolCalls.Count > 0) Assert.All(answer.ToolCalls, AssertCall);
        else Assert.False(string.IsNullOrWhiteSpace(answer.Content[0].Text));
        ChatCompletion none = await _chat.CompleteChatAsync([s_question],
            new ChatCompletionOptions { Tools = { s_open }, ToolChoice = ChatToolChoice.CreateNoneChoice() });
        Assert.Empty(none.ToolCalls);
        Assert.Equal(ChatFinishReason.Stop, none.FinishReason);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]}""", "tools[0]")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]}""", "tools[1]")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"maybe"}""", "tool_choice")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"function":{"name":"g"}}}""", "tool_choice")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tool_choice":{"function":{"name":"g"}}}""", "tool_choice")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":[1]}}]}""", "tools")]
    [InlineData("""{"messages":[{"role":"tool","content":"x","tool_call_id":"c"}]}""", "messages[0].tool_call_id")]
    [InlineData("""{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{"}}]}]}""", "messages[1].tool_calls")]
    [InlineData("""{"messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}]}""", "messages[1].tool_calls")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"logit_bias":{"a":1}}""", "logit_bias")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"logit_bias":{"2048":1}}""", "logit_bias")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"top_logprobs":3}""", "top_logprobs")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"logprobs":true,"top_logprobs":21}""", "top_logprobs")]
    public async Task What_makes_no_sense_is_refused(string body, string parameter) =>
        Assert.Equal(parameter,
            (await RunningServer.AssertError(400, await _server.PostAsync("/v1/chat/completions", body))).GetProperty("param").GetString());

    [Fact]
    public async Task Probabilities_are_told()
    {
        ChatCompletion answer = await _chat.CompleteChatAsync([s_question],
            new ChatCompletionOptions { IncludeLogProbabilities = true, TopLogProbabilityCount = 3, MaxOutputTokenCount = 6 });
        Assert.InRange(answer.ContentTokenLogProbabilities.Count, 1, 6);
        Assert.All(answer.ContentTokenLogProbabilities, token =>
        {
            Assert.InRange(token.LogProbability, -100, 0);
            Assert.Equal(3, token.TopLogProbabilities.Count);
            Assert.Equal(token.Token, token.TopLogProbabilities[0].Token); // at temperature 0 the likeliest is taken
            Assert.Equal(token.LogProbability, token.TopLogProbabilities[0].LogProbability);
        });
        Assert.Equal(answer.Content[0].Text, string.Concat(answer.ContentTokenLogProbabilities.Select(token => token.Token)).TrimStart());
    }

    [Fact]
    public async Task A_text_has_the_probabilities_of_its_tokens()
    {
        JsonElement answer = await RunningServer.JsonOf(await _server.PostAsync("/v1/completions", """{"prompt":"I am afraid of","max_tokens":5,"logprobs":2}"""));
        JsonElement choice = answer.GetProperty("choices")[0], logprobs = choice.GetProperty("logprobs");
        string[] tokens = [.. logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!)];
        int[] offsets = [.. logprobs.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32())];
        string text = choice.GetProperty("text").GetString()!;
        Assert.Equal(text, string.Concat(tokens));
        Assert.Equal(tokens.Length, logprobs.GetProperty("token_logprobs").GetArrayLength());
        for (int i = 0; i < tokens.Length; i++) Assert.StartsWith(tokens[i], text[offsets[i]..]);
    }

    [Fact]
    public async Task A_bias_forbids_a_token_and_a_penalty_changes_a_text()
    {
        const string prompt = "I am afraid of";
        int first = (await Tokens(prompt + await Text("{}")))[(await Tokens(prompt)).Length];
        Assert.NotEqual(await Text("{}"), await Text("{\"logit_bias\":{\"" + first + "\":-100}}"));
        Assert.NotEqual(await Text("{}"), await Text("""{"frequency_penalty":2,"presence_penalty":2,"max_tokens":40}"""));

        async Task<int[]> Tokens(string text) => [.. (await RunningServer.JsonOf(await _server.PostAsync("/tokenize",
            JsonSerializer.Serialize(new { text })))).GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())];

        async Task<string> Text(string fields)
        {
            string body = $"{{\"prompt\":\"{prompt}\",\"max_tokens\":20" + (fields.Length > 2 ? "," + fields[1..] : "}");
            return (await RunningServer.JsonOf(await _server.PostAsync("/v1/completions", body))).GetProperty("choices")[0]
                .GetProperty("text").GetString()!;
        }
    }

    private static void AssertCall(ChatToolCall call)
    {
        using JsonDocument arguments = JsonDocument.Parse(call.FunctionArguments);
        if (call.FunctionName == "is_open") return;
        Assert.Equal("get_price", call.FunctionName);
        Assert.Contains(arguments.RootElement.GetProperty("ware").GetString(), new[] { "loaf", "cake" });
        Assert.InRange(arguments.RootElement.GetProperty("count").GetInt32(), 1, 9);
    }
}
