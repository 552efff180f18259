using System.Numerics;

namespace MixtralVk.Sampling;

/// <summary>
/// Selects tokens by their logits, likeliest first, of equal ones the lower id. NaN and negative infinity are never selected, positive infinity
/// counts as the largest finite float. Allocates only when made. Not thread-safe.
/// </summary>
/// <remarks>
/// A candidate is one integer that sorts by falling logit, then by rising id: the logit's bits made monotonic and turned over, then the id.
/// </remarks>
internal sealed class Candidates(int capacity)
{
    private readonly ulong[] _keys = new ulong[capacity];

    /// <summary>Most candidates a selection can hold.</summary>
    public int Capacity => _keys.Length;

    public static int TokenOf(ulong key) => (int)(uint)key;

    public static float LogitOf(ulong key)
    {
        uint rising = ~(uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((rising & 0x8000_0000) != 0 ? rising & 0x7FFF_FFFF : ~rising);
    }

    /// <summary>The <see cref="Capacity"/> likeliest tokens, or fewer where there are not so many.</summary>
    public ReadOnlySpan<ulong> Likeliest(ReadOnlySpan<float> logits)
    {
        int count = 0;
        float bar = float.NegativeInfinity; // what a token must exceed: the least of a full selection
        for (int token = NextAbove(logits, 0, bar); token < logits.Length; token = NextAbove(logits, token + 1, bar))
        {
            ulong key = KeyOf(logits[token], token);
            if (count == _keys.Length && key >= _keys[count - 1]) continue;
            if (count < _keys.Length) count++;
            int place = ~_keys.AsSpan(0, count - 1).BinarySearch(key);
            Array.Copy(_keys, place, _keys, place + 1, count - 1 - place);
            _keys[place] = key;
            if (count == _keys.Length) bar = LogitOf(_keys[count - 1]);
        }
        return _keys.AsSpan(0, count);
    }

    /// <summary>The tokens with a logit of at least <paramref name="least"/>; there may be as many as the vocabulary has.</summary>
    public ReadOnlySpan<ulong> AtLeast(ReadOnlySpan<float> logits, float least)
    {
        int count = 0;
        float bar = MathF.BitDecrement(least);
        for (int token = NextAbove(logits, 0, bar); token < logits.Length; token = NextAbove(logits, token + 1, bar))
            _keys[count++] = KeyOf(logits[token], token);
        Span<ulong> selected = _keys.AsSpan(0, count);
        selected.Sort();
        return selected;
    }

    /// <summary>The first token from <paramref name="token"/> on with a logit above <paramref name="bar"/> (NaN never is), or the length.</summary>
    private static int NextAbove(ReadOnlySpan<float> logits, int token, float bar)
    {
        // Most logits are below: four vectors at a time have none, and only then one by one.
        var bars = new Vector<float>(bar);
        int width = Vector<float>.Count;
        for (; token + 4 * width <= logits.Length; token += 4 * width)
        {
            ReadOnlySpan<float> block = logits.Slice(token, 4 * width);
            Vector<int> above = Vector.GreaterThan(new Vector<float>(block), bars) | Vector.GreaterThan(new Vector<float>(block[width..]), bars)
                | Vector.GreaterThan(new Vector<float>(block[(2 * width)..]), bars) | Vector.GreaterThan(new Vector<float>(block[(3 * width)..]), bars);
            if (above != Vector<int>.Zero) break;
        }
        while (token < logits.Length && !(logits[token] > bar)) token++;
        return token;
    }

    private static ulong KeyOf(float logit, int token)
    {
        uint bits = BitConverter.SingleToUInt32Bits(Math.Min(logit, float.MaxValue) + 0f); // -0 counts as 0
        uint rising = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        return (ulong)~rising << 32 | (uint)token;
    }
}
