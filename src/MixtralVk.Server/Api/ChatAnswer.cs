using System.Globalization;
using System.Text;
using MixtralVk.Server.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>An answer in a chat: a text, or calls of functions, which are sent when they are complete.</summary>
/// <param name="index">Its place among the answers.</param>
/// <param name="callsFunctions">True where what begins with a brace is a call.</param>
/// <param name="tokenizer">Spells the tokens whose probabilities are wanted; null where they are not.</param>
internal sealed class ChatAnswer(int index, bool callsFunctions, Tokenizer? tokenizer) : AnswerWriter
{
    private readonly StringBuilder _text = new();
    private readonly List<TokenLogProbability> _probabilities = [];
    private int _sent; // of the probabilities
    private bool _begun;
    private FinishReason? _end;
    private IReadOnlyList<ToolCall>? _calls;

    public override string Text => _text.ToString();

    public override Choice? Next(AnswerPiece piece)
    {
        string added = _text.Length == 0 ? piece.Token.Text.TrimStart(' ') : piece.Token.Text; // an answer begins with its first letter
        _text.Append(added);
        if (tokenizer is not null && piece.Token.LogProbability is float probability && !tokenizer.IsEnd(piece.Token.Id))
            _probabilities.Add(Entry(piece.Token, probability));
        _end = piece.End;
        bool isCall = callsFunctions && _text.Length > 0 && _text[0] == '{';
        if (_end is null && (added.Length == 0 || isCall)) return null;
        if (_end is not null && isCall)
            (_calls, added) = Toolbox.Parse(_text.ToString()) is { } calls ? (calls, "") : (null, _text.ToString());
        var delta = new AnswerMessage { Role = _begun ? null : "assistant", Content = added.Length > 0 ? added : null, ToolCalls = _calls };
        _begun = true;
        var fresh = new LogProbabilities { Content = _probabilities[_sent..] };
        _sent = _probabilities.Count;
        return new Choice(index) { Delta = delta, FinishReason = Ending, Logprobs = tokenizer is null ? null : fresh };
    }

    public override Choice Whole() => new(index)
    {
        Message = new AnswerMessage { Role = "assistant", Content = _calls is null ? _text.ToString() : null,
            ToolCalls = _calls?.Select(call => call with { Index = null }).ToArray() },
        FinishReason = Ending,
        Logprobs = tokenizer is null ? null : new LogProbabilities { Content = _probabilities },
    };

    private string? Ending => _calls is not null ? "tool_calls" : Reason(_end);

    private TokenLogProbability Entry(GeneratedToken token, float probability) =>
        Entry(token.Id, probability) with { Top = [.. token.Likeliest.Select(each => Entry(each.Id, each.LogProbability))] };

    private TokenLogProbability Entry(int token, float probability)
    {
        string text = TextOf(tokenizer!, token);
        // <0xE2>: a byte that is no character by itself.
        IEnumerable<byte> bytes = tokenizer!.TypeOf(token) == TokenType.Byte ? [byte.Parse(tokenizer.Piece(token).AsSpan(3, 2),
            NumberStyles.HexNumber, CultureInfo.InvariantCulture)] : Encoding.UTF8.GetBytes(text);
        return new TokenLogProbability(text, probability, [.. bytes.Select(value => (int)value)]);
    }
}
