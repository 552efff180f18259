namespace MixtralVk;

/// <summary>A question and its answer; <paramref name="Tokens"/> are the answer's, as they were generated, with the end token.</summary>
internal sealed record ChatTurn(string Question, string Answer, List<int> Tokens);
