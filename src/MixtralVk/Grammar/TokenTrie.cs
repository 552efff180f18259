using System.Runtime.CompilerServices;
using System.Text;
using MixtralVk.Tokenization;

namespace MixtralVk.Grammar;

/// <summary>
/// The tokens of a vocabulary by their bytes, as a tree in one array: a node's children follow it, the rest of the tree follows its
/// <see cref="Node.End"/>. Tokens without text (control tokens) are not in it. Immutable.
/// </summary>
internal sealed class TokenTrie
{
    /// <summary>Longer tokens are left out: vocabularies have none, but files from strangers may.</summary>
    public const int MaxTokenBytes = 256;

    private static readonly ConditionalWeakTable<Tokenizer, TokenTrie> Tries = [];

    private readonly Node[] _nodes;
    private readonly int[] _tokens; // by their bytes
    private readonly byte[][] _bytes;

    private TokenTrie(Tokenizer tokenizer)
    {
        VocabSize = tokenizer.VocabSize;
        _bytes = new byte[VocabSize][];
        var tokens = new List<(byte[] Bytes, int Id)>();
        for (int id = 0; id < tokenizer.VocabSize; id++)
        {
            byte[] bytes = _bytes[id] = BytesOf(tokenizer, id);
            if (bytes.Length is > 0 and <= MaxTokenBytes) tokens.Add((bytes, id));
        }
        LongTokens = [.. Enumerable.Range(0, VocabSize).Where(id => _bytes[id].Length > MaxTokenBytes)];
        tokens.Sort((a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes));
        _tokens = [.. tokens.Select(t => t.Id)];
        var nodes = new List<Node>();
        AddChildren(tokens, 0, tokens.Count, 0, nodes);
        _nodes = [.. nodes];
        var single = _bytes.Where(b => b.Length == 1).Select(b => (int)b[0]).ToHashSet();
        MissingByte = Enumerable.Range(0, 256).Cast<int?>().FirstOrDefault(b => !single.Contains(b!.Value));
    }

    /// <summary>The tree of a vocabulary, made once.</summary>
    public static TokenTrie Of(Tokenizer tokenizer) => Tries.GetValue(tokenizer, t => new TokenTrie(t));

    public int VocabSize { get; }

    /// <summary>The lowest byte that is no token by itself; null when every one is.</summary>
    public int? MissingByte { get; }

    /// <summary>The tokens that are left out.</summary>
    public IReadOnlyList<int> LongTokens { get; }

    public ReadOnlySpan<Node> Nodes => _nodes;

    /// <summary>The tokens whose bytes end at a node.</summary>
    public ReadOnlySpan<int> TokensAt(in Node node) => _tokens.AsSpan(node.FirstToken, node.TokenCount);

    /// <summary>The tokens that begin with the bytes up to a node.</summary>
    public ReadOnlySpan<int> TokensFrom(in Node node) =>
        _tokens.AsSpan(node.FirstToken..(node.End < _nodes.Length ? _nodes[node.End].FirstToken : _tokens.Length));

    /// <summary>The bytes a token adds to a text; none for control tokens.</summary>
    public ReadOnlySpan<byte> BytesOf(int token) => _bytes[token];

    private static byte[] BytesOf(Tokenizer tokenizer, int token)
    {
        int value = tokenizer.ByteOf(token);
        if (value >= 0) return [(byte)value];
        return tokenizer.TypeOf(token) is TokenType.Unknown or TokenType.Unused ? [] : Encoding.UTF8.GetBytes(tokenizer.TextOf(token));
    }

    /// <summary>
    /// Adds the nodes below a common beginning of <paramref name="depth"/> bytes; a token that is no longer is the parent's.
    /// </summary>
    private static void AddChildren(List<(byte[] Bytes, int Id)> tokens, int from, int to, int depth, List<Node> nodes)
    {
        while (from < to)
        {
            byte value = tokens[from].Bytes[depth];
            int end = from, longer = from;
            while (end < to && tokens[end].Bytes[depth] == value)
            {
                if (tokens[end].Bytes.Length == depth + 1) longer = end + 1;
                end++;
            }
            int node = nodes.Count;
            nodes.Add(default);
            AddChildren(tokens, longer, end, depth + 1, nodes);
            nodes[node] = new Node(value, (ushort)depth, nodes.Count, from, longer - from);
            from = end;
        }
    }

    /// <summary>A byte on the way of some tokens.</summary>
    /// <param name="Value">The byte.</param>
    /// <param name="Level">Bytes before it.</param>
    /// <param name="End">Index of the first node that is not below this one.</param>
    /// <param name="FirstToken">The first of the tokens that end here.</param>
    /// <param name="TokenCount">How many tokens end here.</param>
    public readonly record struct Node(byte Value, ushort Level, int End, int FirstToken, int TokenCount);
}
