using System.Text;
using MixtralVk.Server.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>How a text goes on.</summary>
/// <param name="index">Its place among the answers.</param>
/// <param name="tokenizer">Spells the tokens whose probabilities are wanted; null where they are not.</param>
internal sealed class TextAnswer(int index, Tokenizer? tokenizer) : AnswerWriter
{
    private readonly StringBuilder _text = new();
    private readonly List<(GeneratedToken Token, int Offset)> _tokens = [];
    private int _sent;
    private FinishReason? _end;

    public override string Text => _text.ToString();

    public override Choice? Next(AnswerPiece piece)
    {
        if (tokenizer is not null && piece.Token.LogProbability is not null && !tokenizer.IsEnd(piece.Token.Id))
            _tokens.Add((piece.Token, _text.Length));
        _text.Append(piece.Token.Text);
        _end = piece.End;
        if (_end is null && piece.Token.Text.Length == 0) return null;
        LogProbabilities? fresh = Probabilities(_tokens[_sent..]);
        _sent = _tokens.Count;
        return new Choice(index) { Text = piece.Token.Text, FinishReason = Reason(_end), Logprobs = fresh };
    }

    public override Choice Whole() =>
        new(index) { Text = _text.ToString(), FinishReason = Reason(_end), Logprobs = Probabilities(_tokens) };

    private LogProbabilities? Probabilities(List<(GeneratedToken Token, int Offset)> tokens) =>
        tokenizer is null ? null : new LogProbabilities
    {
        Tokens = [.. tokens.Select(each => TextOf(tokenizer, each.Token.Id))],
        TokenLogprobs = [.. tokens.Select(each => each.Token.LogProbability!.Value)],
        TopLogprobs = [.. tokens.Select(each => Likeliest(each.Token))],
        TextOffset = [.. tokens.Select(each => each.Offset)],
    };

    private Dictionary<string, float> Likeliest(GeneratedToken token)
    {
        var likeliest = new Dictionary<string, float>(StringComparer.Ordinal);
        // Parts of characters look alike.
        foreach (TokenProbability each in token.Likeliest) likeliest.TryAdd(TextOf(tokenizer!, each.Id), each.LogProbability);
        return likeliest;
    }
}
