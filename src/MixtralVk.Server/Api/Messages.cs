using System.Text.Json;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>
/// OpenAI's messages as a conversation of Mixtral-Instruct: one system text in front, then questions and answers in turn. Neighbouring
/// messages of one side become one, with an empty line between them; results of functions are on the user's side.
/// </summary>
internal static class Messages
{
    /// <summary>Throws <see cref="ApiException"/> where the messages are no conversation that waits for an answer.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="instructions">What the system text begins with.</param>
    public static IReadOnlyList<ChatMessage> ToConversation(IReadOnlyList<RequestMessage>? messages, string instructions = "")
    {
        if (messages is null or { Count: 0 }) throw ApiException.Invalid("'messages' must have at least one message.", "messages");
        var conversation = new List<ChatMessage>();
        var callNames = new Dictionary<string, string>(StringComparer.Ordinal);
        string system = instructions;
        for (int i = 0; i < messages.Count; i++)
        {
            string text = TextOf(messages[i], i, callNames);
            switch (messages[i].Role)
            {
                case "system" or "developer": system = Joined(system, text); break;
                case "user" or "tool": Append(conversation, ChatRole.User, text); break;
                case "assistant" when conversation.Count > 0: Append(conversation, ChatRole.Assistant, text); break;
                // What the assistant says first, a greeting, has no place in the form; the model may know it as a part of its instructions.
                case "assistant": system = Joined(system, text); break;
                default: throw ApiException.Invalid(
                    $"'messages[{i}].role' must be system, developer, user, assistant or tool.", $"messages[{i}].role");
            }
        }
        if (conversation.Count == 0 || conversation[^1].Role != ChatRole.User)
            throw ApiException.Invalid("The last message must be the user's, or a tool's.", "messages");
        return system.Length > 0 ? [new ChatMessage(ChatRole.System, system), .. conversation] : conversation;
    }

    private static string TextOf(RequestMessage? message, int index, Dictionary<string, string> callNames)
    {
        if (message is { Role: "assistant", ToolCalls: { Count: > 0 } calls })
        {
            foreach (ToolCall call in calls)
                callNames[call is { Id: { } id, Function: { Name: not null, Arguments: not null } } ? id : throw WrongCalls(index)] =
                    call.Function.Name;
            try
            {
                return Toolbox.Write(calls);
            }
            catch (JsonException)
            {
                throw WrongCalls(index);
            }
        }
        string text = message?.Content
            ?? throw ApiException.Invalid($"'messages[{index}].content' is missing.", $"messages[{index}].content");
        if (message.Role != "tool") return text;
        return callNames.TryGetValue(message.ToolCallId ?? "", out string? name) ? $"Result of {name}: {text}"
            : throw ApiException.Invalid(
            $"'messages[{index}].tool_call_id' is not that of a call before it.", $"messages[{index}].tool_call_id");
    }

    private static ApiException WrongCalls(int index) =>
        ApiException.Invalid(
            $"'messages[{index}].tool_calls' must have calls with an id, a name and arguments in JSON.", $"messages[{index}].tool_calls");

    private static void Append(List<ChatMessage> conversation, ChatRole role, string text)
    {
        if (conversation.Count > 0 && conversation[^1].Role == role)
            conversation[^1] = new ChatMessage(role, Joined(conversation[^1].Text, text));
        else conversation.Add(new ChatMessage(role, text));
    }

    private static string Joined(string first, string second) => first.Length > 0 ? $"{first}\n\n{second}" : second;
}
