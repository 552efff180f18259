using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>
/// OpenAI's messages as a conversation of Mixtral-Instruct: one system text in front, then questions and answers in turn. Neighbouring messages of one side become
/// one, with an empty line between them.
/// </summary>
internal static class Messages
{
    /// <summary>Throws <see cref="ApiException"/> where the messages are no conversation that waits for an answer.</summary>
    public static IReadOnlyList<ChatMessage> ToConversation(IReadOnlyList<RequestMessage>? messages)
    {
        if (messages is null or { Count: 0 }) throw ApiException.Invalid("'messages' must have at least one message.", "messages");
        var conversation = new List<ChatMessage>();
        string system = "";
        for (int i = 0; i < messages.Count; i++)
        {
            string text = messages[i]?.Content ?? throw ApiException.Invalid($"'messages[{i}].content' is missing.", $"messages[{i}].content");
            switch (messages[i].Role)
            {
                case "system" or "developer": system = Joined(system, text); break;
                case "user": Append(conversation, ChatRole.User, text); break;
                case "assistant" when conversation.Count > 0: Append(conversation, ChatRole.Assistant, text); break;
                // What the assistant says first, a greeting, has no place in the form; the model may know it as a part of its instructions.
                case "assistant": system = Joined(system, text); break;
                default: throw ApiException.Invalid($"'messages[{i}].role' must be system, developer, user or assistant.", $"messages[{i}].role");
            }
        }
        if (conversation.Count == 0 || conversation[^1].Role != ChatRole.User) throw ApiException.Invalid("The last message must be the user's.", "messages");
        return system.Length > 0 ? [new ChatMessage(ChatRole.System, system), .. conversation] : conversation;
    }

    private static void Append(List<ChatMessage> conversation, ChatRole role, string text)
    {
        if (conversation.Count > 0 && conversation[^1].Role == role) conversation[^1] = new ChatMessage(role, Joined(conversation[^1].Text, text));
        else conversation.Add(new ChatMessage(role, text));
    }

    private static string Joined(string first, string second) => first.Length > 0 ? $"{first}\n\n{second}" : second;
}
