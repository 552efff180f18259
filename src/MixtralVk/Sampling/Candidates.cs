using System.Numerics;

namespace MixtralVk.Sampling;

/// <summary>
/// Selects tokens by their logits, likeliest first, of equal ones the lower id. NaN and negative infinity are never selected, positive
/// infinity counts as the largest finite float. Allocates only when made. Not thread-safe.
/// </summary>
/// <remarks>
/// A candidate is one integer that sorts by falling logit, then by rising id: the logit's bits made monotonic and turned over, then the id.
/// </remarks>
internal sealed class Candidates(int capacity)
{
    private readonly ulong[] _keys = new ulong[capacity];
    private int _count;

    /// <summary>The latest selection.</summary>
    public ReadOnlySpan<ulong> Selected => _keys.AsSpan(0, _count);

    public static int TokenOf(ulong key) => (int)(uint)key;

    public static float LogitOf(ulong key)
    {
        uint rising = ~(uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((rising & 0x8000_0000) != 0 ? rising & 0x7FFF_FFFF : ~rising);
    }

    /// <summary>The <paramref name="most"/> likeliest tokens, or fewer where there are not so many.</summary>
    public ReadOnlySpan<ulong> Likeliest(ReadOnlySpan<float> logits, int most)
    {
        Span<ulong> keys = _keys.AsSpan(0, most);
        int count = 0;
        float bar = float.NegativeInfinity; // what a token must exceed: the least of a full selection
        for (int token = NextAbove(logits, 0, bar); token < logits.Length; token = NextAbove(logits, token + 1, bar))
        {
            ulong key = KeyOf(logits[token], token);
            if (count == most && key >= keys[count - 1]) continue;
            if (count < most) count++;
            int place = ~keys[..(count - 1)].BinarySearch(key);
            keys[place..(count - 1)].CopyTo(keys[(place + 1)..]);
            keys[place] = key;
            if (count == most) bar = LogitOf(keys[count - 1]);
        }
        return keys[..(_count = count)];
    }

    /// <summary>The tokens with a logit of at least <paramref name="least"/>; there may be as many as the vocabulary has.</summary>
    public ReadOnlySpan<ulong> AtLeast(ReadOnlySpan<float> logits, float least)
    {
        int count = 0;
        float bar = MathF.BitDecrement(least);
        for (int token = NextAbove(logits, 0, bar); token < logits.Length; token = NextAbove(logits, token + 1, bar))
            _keys[count++] = KeyOf(logits[token], token);
        _keys.AsSpan(0, _count = count).Sort();
        return Selected;
    }

    /// <summary>
    /// The first token from <paramref name="token"/> on with a logit above <paramref name="bar"/> (NaN never is), or the length.
    /// </summary>
    private static int NextAbove(ReadOnlySpan<float> logits, int token, float bar)
    {
        // Most logits are below: four vectors at a time have none, and only then one by one.
        var bars = new Vector<float>(bar);
        int width = Vector<float>.Count;
        for (; token + 4 * width <= logits.Length; token += 4 * width)
        {
            ReadOnlySpan<float> block = logits.Slice(token, 4 * width);
            Vector<int> above =
                Vector.GreaterThan(new Vector<float>(block), bars) | Vector.GreaterThan(new Vector<float>(block[width..]), bars)
                | Vector.GreaterThan(new Vector<float>(block[(2 * width)..]), bars)
                | Vector.GreaterThan(new Vector<float>(block[(3 * width)..]), bars);
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
