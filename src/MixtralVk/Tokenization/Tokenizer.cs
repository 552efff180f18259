using System.Buffers;
using System.Globalization;
using System.Text;

namespace MixtralVk.Tokenization;

/// <summary>
/// Text to tokens and back, with the SentencePiece-type vocabulary of a model file (<c>tokenizer.ggml.model = llama</c>): BPE by score,
/// with byte fallback. Text is never taken for a control token unless the caller asks for it, so that what a player types cannot forge the
/// borders of a conversation. Immutable and thread-safe.
/// </summary>
public sealed class Tokenizer
{
    private const char Space = '\u2581'; // SentencePiece writes a space as this character

    private readonly VocabularyData _data;
    private readonly BytePairMerger _merger;
    private readonly SpecialTokens _userDefined, _special;
    private readonly string[] _texts;
    private readonly short[] _bytes;

    /// <summary>Prepares the vocabulary. Throws <see cref="TokenizerException"/> for a kind other than SentencePiece-type BPE.</summary>
    public Tokenizer(VocabularyData data)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.Model != "llama")
            throw new TokenizerException(
                $"The model's vocabulary is of kind '{data.Model}'; only SentencePiece-type BPE ('llama') is supported.");
        _data = data;
        _texts = new string[data.Tokens.Length];
        _bytes = new short[data.Tokens.Length];
        Array.Fill(_bytes, (short)-1);
        int[] byteTokens = new int[256];
        Array.Fill(byteTokens, -1);
        var pieces = new Dictionary<string, int>(data.Tokens.Length, StringComparer.Ordinal);
        var userDefined = new List<(string, int)>();
        var control = new List<(string, int)>();
        for (int id = 0; id < data.Tokens.Length; id++)
        {
            string piece = data.Tokens[id];
            _texts[id] = data.Types[id] switch
            {
                TokenType.Control or TokenType.Byte => "",
                TokenType.Unknown => " \u2047 ", // what SentencePiece shows for it
                TokenType.UserDefined => piece,
                TokenType.Undefined or TokenType.Normal or TokenType.Unused => piece.Replace(Space, ' '),
            };
            switch (data.Types[id])
            {
                case TokenType.Undefined or TokenType.Normal:
                    pieces[piece] = id;
                    break;
                case TokenType.Byte:
                    byte value = ParseByte(piece);
                    byteTokens[value] = id;
                    _bytes[id] = value;
                    break;
                case TokenType.UserDefined:
                    userDefined.Add((piece, id));
                    break;
                case TokenType.Control or TokenType.Unknown:
                    control.Add((piece, id));
                    break;
                case TokenType.Unused:
                    break;
            }
        }
        _merger = new BytePairMerger(pieces, data.Scores, byteTokens, data.Unknown);
        _userDefined = new SpecialTokens(userDefined);
        _special = new SpecialTokens([.. userDefined, .. control]);
    }

    /// <summary>Number of tokens.</summary>
    public int VocabSize => _texts.Length;

    /// <summary>Token that begins a text; -1 for none.</summary>
    public int Bos => _data.Bos;

    /// <summary>Token that ends a text; -1 for none.</summary>
    public int Eos => _data.Eos;

    /// <summary>Token that ends an answer where that is not <see cref="Eos"/>; -1 for none.</summary>
    public int EndOfTurn => _data.EndOfTurn;

    /// <summary>True for the tokens at which an answer ends.</summary>
    public bool IsEnd(int token) => token >= 0 && (token == _data.Eos || token == _data.EndOfTurn);

    /// <summary>A token as the vocabulary writes it, for display: <c>▁the</c>, <c>&lt;0x0A&gt;</c>, <c>&lt;s&gt;</c>.</summary>
    public string Piece(int token) => _data.Tokens[Checked(token)];

    /// <summary>Type of a token.</summary>
    public TokenType TypeOf(int token) => _data.Types[Checked(token)];

    /// <summary>The tokens of a text.</summary>
    /// <param name="text">Any UTF-16; a lone surrogate counts as U+FFFD.</param>
    /// <param name="addSpecial">Add the begin and end tokens where the vocabulary asks for them.</param>
    /// <param name="parseSpecial">Turn written-out control tokens (<c>&lt;s&gt;</c>) into those tokens. Never for text from
    /// outside.</param>
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecial = true, bool parseSpecial = false)
    {
        var tokens = new List<int>(text.Length / 3 + 4);
        Encode(text, tokens, addSpecial, parseSpecial);
        return [.. tokens];
    }

    /// <summary>Appends the tokens of a text to a list; parameters as in the other overload.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> tokens, bool addSpecial = true, bool parseSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (addSpecial && _data.AddBos && _data.Bos >= 0) tokens.Add(_data.Bos);
        SpecialTokens specials = parseSpecial ? _special : _userDefined;
        while (specials.TryFind(text, out int start, out int length, out int token))
        {
            EncodePlain(text[..start], tokens, _data.AddSpacePrefix);
            tokens.Add(token);
            text = text[(start + length)..];
        }
        EncodePlain(text, tokens, _data.AddSpacePrefix);
        if (addSpecial && _data.AddEos && _data.Eos >= 0) tokens.Add(_data.Eos);
    }

    /// <summary>
    /// The text of tokens. Control tokens have none; bytes that are not UTF-8 become U+FFFD; the space that
    /// <see cref="Encode(ReadOnlySpan{char}, bool, bool)"/> put in front is taken away.
    /// </summary>
    /// <param name="tokens">Token ids; one outside the vocabulary throws <see cref="ArgumentOutOfRangeException"/>.</param>
    /// <param name="trimLeadingSpace">False where the tokens go on with an earlier text.</param>
    public string Decode(ReadOnlySpan<int> tokens, bool trimLeadingSpace = true)
    {
        var decoder = new StreamingDecoder(this, trimLeadingSpace);
        var text = new StringBuilder();
        foreach (int token in tokens) text.Append(decoder.Append(token));
        return text.Append(decoder.Flush()).ToString();
    }

    internal bool AddsSpacePrefix => _data.AddSpacePrefix;

    /// <summary>Text of a token by itself; empty for bytes and control tokens.</summary>
    internal string TextOf(int token) => _texts[Checked(token)];

    /// <summary>Value of a byte token; -1 for any other.</summary>
    internal int ByteOf(int token) => _bytes[Checked(token)];

    /// <summary>Id of the token with this text and type; -1 for none.</summary>
    internal int Find(string piece, TokenType type)
    {
        for (int id = 0; id < _data.Tokens.Length; id++)
            if (_data.Types[id] == type && _data.Tokens[id] == piece) return id;
        return -1;
    }

    /// <summary>Appends a part of a conversation: always with a space in front, and with nothing in it parsed as a token.</summary>
    internal void EncodePart(string text, List<int> tokens) => EncodePlain(text, tokens, spaceInFront: true);

    /// <summary>The same without the space: the text goes on with what is in the list.</summary>
    internal void EncodeOn(string text, List<int> tokens) => EncodePlain(text, tokens, spaceInFront: false);

    /// <summary>True when a text up to a line break and what follows may be tokenised one after the other.</summary>
    internal bool LineBreaksDivide => _merger.LineBreaksDivide;

    private void EncodePlain(ReadOnlySpan<char> text, List<int> tokens, bool spaceInFront)
    {
        if (text.IsEmpty) return;
        char[] rented = ArrayPool<char>.Shared.Rent(text.Length + 1);
        int count = 0;
        if (spaceInFront) rented[count++] = Space;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (!char.IsSurrogate(c)) rented[count++] = c == ' ' ? Space : c;
            else if (i + 1 < text.Length && char.IsSurrogatePair(c, text[i + 1]))
            {
                rented[count++] = c;
                rented[count++] = text[++i];
            }
            else rented[count++] = '\uFFFD';
        }
        try
        {
            _merger.Encode(rented.AsSpan(0, count), tokens);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    private int Checked(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, _texts.Length);
        return token;
    }

    private static byte ParseByte(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : throw new TokenizerException($"The vocabulary has a byte token written '{piece}' instead of <0xHH>.");
}
