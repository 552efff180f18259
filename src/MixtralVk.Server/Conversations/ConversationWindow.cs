using MixtralVk.Tokenization;

namespace MixtralVk.Server.Conversations;

/// <summary>As much of a conversation as fits: where room is short, the oldest questions and answers go.</summary>
internal static class ConversationWindow
{
    /// <summary>Tokens of a prompt behind which an answer has room.</summary>
    public static int Room(MixtralModel model, ServerOptions server) =>
        model.ContextLength - Math.Min(server.AnswerTokens, model.ContextLength / 4);

    /// <summary>
    /// The system text, if any, and the latest of what was said, in <paramref name="room"/> tokens; null where the last question alone has
    /// more.
    /// </summary>
    public static IReadOnlyList<ChatMessage>? Fit(string system, IReadOnlyList<ChatMessage> said, int room, ChatTemplate template)
    {
        // From the end, so that the work is bounded by the room and not by how much a client sends.
        int first = LastQuestion(said), tokens = template.Encode(With(system, said.Skip(first))).Length;
        if (tokens > room) return null;
        for (; first > 0; first -= 2)
        {
            // Each part is tokenised by itself; the first token begins the conversation.
            tokens += template.Encode([said[first - 2], said[first - 1]]).Length - 1;
            if (tokens > room) break;
        }
        return With(system, said.Skip(first));
    }

    /// <summary>The same, with the last question in any case.</summary>
    public static IReadOnlyList<ChatMessage> Latest(string system, IReadOnlyList<ChatMessage> said, int room, ChatTemplate template) =>
        Fit(system, said, room, template) ?? With(system, said.Skip(LastQuestion(said)));

    private static int LastQuestion(IReadOnlyList<ChatMessage> said) => (said.Count - 1) / 2 * 2;

    private static ChatMessage[] With(string system, IEnumerable<ChatMessage> said) =>
        system.Length > 0 ? [new ChatMessage(ChatRole.System, system), .. said] : [.. said];
}
