namespace MixtralVk.Tokenization;

/// <summary>What stands before a question in a conversation (<see cref="ChatTemplate.Open"/>).</summary>
/// <param name="Tokens">The tokens that no question changes.</param>
/// <param name="Rest">The text after them, to be tokenised together with the question.</param>
internal sealed record QuestionOpening(int[] Tokens, string Rest);
