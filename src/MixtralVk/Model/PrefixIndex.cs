using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace MixtralVk.Model;

/// <summary>
/// Finds whole pages of the KV cache by what they hold. Keys and values depend on nothing but the tokens up to theirs, so a page is known
/// by its own tokens and the page before it: an entry is (name of the page before, 32 tokens) -> place, compared in full. A place is a
/// page, or room for one in the host's memory (<see cref="KvPages"/>). Names are never given twice, so what followed a removed page is not
/// found any more. Adding and finding allocate nothing.
/// </summary>
internal sealed class PrefixIndex
{
    /// <summary>The name before the first page of a text.</summary>
    public const long Root = 0;

    private const int NameInts = 2;

    private readonly int[][] _keys;     // of each place: name of the page before, then the tokens
    private readonly long[] _names;     // of each place; Root where it is not in the index
    private readonly Dictionary<int[], int> _places;
    private readonly Dictionary<int[], int>.AlternateLookup<ReadOnlySpan<int>> _byKey;
    private readonly int[] _wanted = new int[NameInts + KvPages.PageTokens];
    private long _lastName = Root;

    public PrefixIndex(int placeCount)
    {
        _keys = [.. Enumerable.Range(0, placeCount).Select(_ => new int[NameInts + KvPages.PageTokens])];
        _names = new long[placeCount];
        _places = new Dictionary<int[], int>(placeCount, new KeyComparer());
        _byKey = _places.GetAlternateLookup<ReadOnlySpan<int>>();
    }

    public bool Contains(int place) => _names[place] != Root;

    /// <summary>The name under which what follows the page is found.</summary>
    public long NameOf(int page) => _names[page];

    /// <summary>The tokens of a page in the index.</summary>
    public ReadOnlySpan<int> TokensOf(int page) => _keys[page].AsSpan(NameInts);

    /// <summary>The place that holds these 32 tokens after the page named <paramref name="before"/>.</summary>
    public bool TryFind(long before, ReadOnlySpan<int> tokens, out int place)
    {
        Write(_wanted, before, tokens);
        return _byKey.TryGetValue(_wanted, out place);
    }

    /// <summary>Puts in a page that is not in the index, nor another of the same content.</summary>
    public void Add(int page, long before, ReadOnlySpan<int> tokens)
    {
        Write(_keys[page], before, tokens);
        _places.Add(_keys[page], page);
        _names[page] = ++_lastName;
    }

    public void Remove(int place)
    {
        _places.Remove(_keys[place]);
        _names[place] = Root;
    }

    /// <summary>What was at one place is found at another, under the same name.</summary>
    public void Move(int from, int to)
    {
        _places.Remove(_keys[from]);
        (_keys[from], _keys[to]) = (_keys[to], _keys[from]);
        _places.Add(_keys[to], to);
        (_names[from], _names[to]) = (Root, _names[from]);
    }

    private static void Write(Span<int> key, long before, ReadOnlySpan<int> tokens)
    {
        MemoryMarshal.Write(MemoryMarshal.AsBytes(key), before);
        tokens.CopyTo(key[NameInts..]);
    }

    private sealed class KeyComparer : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] int[] key) => GetHashCode(key.AsSpan());

        public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<int> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(alternate));
            return hash.ToHashCode();
        }

        public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();
    }
}
