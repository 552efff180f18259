using System.Buffers;
using System.Text;

namespace MixtralVk.Tokenization;

/// <summary>
/// SentencePiece-type BPE: a text starts as single characters; again and again the neighbours whose union is the piece with the highest
/// score become one (ties: the leftmost), until no union of neighbours is a piece. Characters without a piece become their UTF-8 bytes.
/// A priority queue over a linked list of symbols makes that O(n log n). Thread-safe.
/// </summary>
internal sealed class BytePairMerger
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _pieces;
    private readonly float[] _scores;
    private readonly int[] _byteTokens;
    private readonly int _unknown, _longestPiece;

    /// <param name="pieces">The pieces text may become, by their text. Control and byte tokens are not among them, so that no text forges
    /// one.</param>
    /// <param name="scores">Score of every token.</param>
    /// <param name="byteTokens">Token of each of the 256 bytes; -1 where the vocabulary has none.</param>
    /// <param name="unknown">Token of a character that cannot be expressed; -1 for none.</param>
    public BytePairMerger(Dictionary<string, int> pieces, float[] scores, int[] byteTokens, int unknown)
    {
        _pieces = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        _scores = scores;
        _byteTokens = byteTokens;
        _unknown = unknown;
        _longestPiece = pieces.Count == 0 ? 0 : pieces.Keys.Max(piece => piece.Length);
        LineBreaksDivide = !pieces.Keys.Any(piece => piece.Length > 1 && piece.Contains('\n'));
    }

    /// <summary>
    /// True when no piece reaches across a line break: what stands before one and what comes after it become the same tokens whatever the
    /// other is.
    /// </summary>
    public bool LineBreaksDivide { get; }

    /// <summary>Appends the tokens of <paramref name="text"/>, well-formed UTF-16 in which U+2581 stands for a space.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> tokens)
    {
        if (text.IsEmpty) return;
        Symbol[] rented = ArrayPool<Symbol>.Shared.Rent(text.Length);
        var queue = new MergeQueue(text.Length);
        try
        {
            Span<Symbol> symbols = rented.AsSpan(0, SplitCharacters(text, rented));
            for (int i = 1; i < symbols.Length; i++) TryAdd(text, symbols, i - 1, i, ref queue);
            while (queue.TryPop(out Merge merge))
            {
                ref Symbol left = ref symbols[merge.Left];
                ref Symbol right = ref symbols[merge.Right];
                bool stale = left.Length == 0 || right.Length == 0 || left.Length + right.Length != merge.Length;
                if (stale) continue;
                left.Length += right.Length;
                left.Token = merge.Token;
                left.Next = right.Next;
                right.Length = 0;
                if (left.Next >= 0) symbols[left.Next].Previous = merge.Left;
                TryAdd(text, symbols, left.Previous, merge.Left, ref queue);
                TryAdd(text, symbols, merge.Left, left.Next, ref queue);
            }
            for (int i = 0; i >= 0; i = symbols[i].Next)
            {
                if (symbols[i].Token >= 0) tokens.Add(symbols[i].Token);
                else AddBytes(text.Slice(symbols[i].Start, symbols[i].Length), tokens);
            }
        }
        finally
        {
            queue.Dispose();
            ArrayPool<Symbol>.Shared.Return(rented);
        }
    }

    private int SplitCharacters(ReadOnlySpan<char> text, Symbol[] symbols)
    {
        int count = 0;
        for (int start = 0, length; start < text.Length; start += length, count++)
        {
            length = char.IsHighSurrogate(text[start]) ? 2 : 1;
            int token = _pieces.TryGetValue(text.Slice(start, length), out int found) ? found : -1;
            int next = start + length == text.Length ? -1 : count + 1;
            symbols[count] = new Symbol { Start = start, Length = length, Previous = count - 1, Next = next, Token = token };
        }
        return count;
    }

    private void TryAdd(ReadOnlySpan<char> text, Span<Symbol> symbols, int left, int right, ref MergeQueue queue)
    {
        if (left < 0 || right < 0) return;
        int length = symbols[left].Length + symbols[right].Length;
        if (length <= _longestPiece && _pieces.TryGetValue(text.Slice(symbols[left].Start, length), out int token))
            queue.Push(new Merge(_scores[token], left, right, length, token));
    }

    private void AddBytes(ReadOnlySpan<char> character, List<int> tokens)
    {
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..Encoding.UTF8.GetBytes(character, utf8)];
        foreach (byte b in utf8)
        {
            if (_byteTokens[b] >= 0) continue;
            if (_unknown < 0) throw new TokenizerException("The text has a character for which the model's vocabulary has no token.");
            tokens.Add(_unknown);
            return;
        }
        foreach (byte b in utf8) tokens.Add(_byteTokens[b]);
    }

    /// <summary>A run of the text; merged into its left neighbour when its length is 0.</summary>
    private struct Symbol
    {
        public int Start, Length, Previous, Next, Token;
    }
}
