namespace MixtralVk;

/// <summary>A question and its answer; <paramref name="Tokens"/> are the answer's, as they were generated, with the end token.</summary>
internal sealed record ChatTurn(string Question, string Answer, List<int> Tokens)
{
    /// <summary>Both as messages.</summary>
    public IEnumerable<ChatMessage> Messages => [new(ChatRole.User, Question), new(ChatRole.Assistant, Answer)];
}
