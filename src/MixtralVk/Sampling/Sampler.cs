namespace MixtralVk.Sampling;

/// <summary>
/// Chooses tokens from logits, as <see cref="SamplingOptions"/> say. Allocates only when made. NaN logits are never chosen. Not thread-safe.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly RepetitionWindow? _recent;
    private readonly ulong[] _candidates; // likeliest first once selected: see KeyOf
    private readonly double[] _weights;
    private Pcg32 _random;

    /// <summary>Makes a sampler for logits of <paramref name="vocabSize"/> tokens.</summary>
    public Sampler(SamplingOptions options, int vocabSize)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabSize);
        options.Validate();
        _options = options;
        VocabSize = vocabSize;
        Seed = options.Seed ?? (ulong)Random.Shared.NextInt64();
        _random = new Pcg32(Seed, stream: 0);
        int kept = options.Temperature == 0 ? 1 : options.TopK == 0 ? vocabSize : Math.Min(options.TopK, vocabSize);
        _candidates = new ulong[kept];
        _weights = new double[kept];
        if (options.RepetitionPenalty != 1 && options.RepetitionWindow > 0) _recent = new RepetitionWindow(options.RepetitionWindow, vocabSize);
    }

    /// <summary>Number of tokens the logits are for.</summary>
    public int VocabSize { get; }

    /// <summary>The seed in use: the one asked for, or the one taken in its place.</summary>
    public ulong Seed { get; }

    /// <summary>Tells the repetition penalty of a token that now stands in the text, of the prompt or sampled.</summary>
    public void Accept(int token)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)VocabSize, nameof(token));
        _recent?.Add(token);
    }

    /// <summary>
    /// Chooses a token. <paramref name="logits"/>: one per token of the vocabulary, not changed.
    /// Throws <see cref="MixtralException"/> when no token is possible (all NaN or negative infinity).
    /// </summary>
    public int Sample(ReadOnlySpan<float> logits) => Sample(logits, []);

    /// <summary>The same among the tokens whose bit is set (bit <c>t % 32</c> of word <c>t / 32</c>); among all when there are no bits.</summary>
    internal int Sample(ReadOnlySpan<float> logits, ReadOnlySpan<uint> allowed)
    {
        if (logits.Length != VocabSize) throw new ArgumentException($"{logits.Length} logits for a vocabulary of {VocabSize}.", nameof(logits));
        Span<ulong> candidates = SelectLikeliest(logits, allowed);
        if (candidates.IsEmpty) throw new MixtralException("No token can follow: every logit is NaN or negative infinity.");
        if (candidates.Length == 1) return TokenOf(candidates[0]);

        Span<double> weights = _weights.AsSpan(0, candidates.Length);
        double likeliest = LogitOf(candidates[0]), sum = 0;
        for (int i = 0; i < weights.Length; i++) sum += weights[i] = Math.Exp(LogitOf(candidates[i]) - likeliest);
        int kept = Math.Min(CountTopP(weights, _options.TopP * sum), CountMinP(weights, _options.MinP));

        double total = 0;
        for (int i = 0; i < kept; i++) total += weights[i] = Math.Exp((LogitOf(candidates[i]) - likeliest) / _options.Temperature);
        double point = _random.NextDouble() * total;
        for (int i = 0; i < kept - 1; i++)
        {
            point -= weights[i];
            if (point < 0) return TokenOf(candidates[i]);
        }
        return TokenOf(candidates[kept - 1]);
    }

    /// <summary>The likeliest tokens in order, at most as many as top-k keeps.</summary>
    private Span<ulong> SelectLikeliest(ReadOnlySpan<float> logits, ReadOnlySpan<uint> allowed)
    {
        Span<ulong> kept = _candidates;
        int count = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            if (!allowed.IsEmpty && (allowed[token / 32] >> (token % 32) & 1) == 0) continue;
            float logit = logits[token];
            if (float.IsNaN(logit) || float.IsNegativeInfinity(logit)) continue;
            ulong key = KeyOf(Penalized(logit, token), token);
            if (kept.Length == VocabSize) kept[count++] = key;
            else if (count < kept.Length || key < kept[count - 1])
            {
                if (count < kept.Length) count++;
                int place = ~kept[..(count - 1)].BinarySearch(key);
                kept[place..(count - 1)].CopyTo(kept[(place + 1)..count]);
                kept[place] = key;
            }
        }
        if (kept.Length == VocabSize) kept[..count].Sort();
        return kept[..count];
    }

    private float Penalized(float logit, int token)
    {
        if (_recent is not null && _recent.Contains(token))
            logit = logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty;
        return Math.Clamp(logit, float.MinValue, float.MaxValue);
    }

    private static int CountTopP(ReadOnlySpan<double> weights, double wanted)
    {
        double reached = 0;
        for (int i = 0; i < weights.Length; i++)
            if ((reached += weights[i]) >= wanted) return i + 1;
        return weights.Length;
    }

    private static int CountMinP(ReadOnlySpan<double> weights, double least)
    {
        int count = 1;
        while (count < weights.Length && weights[count] >= least) count++;
        return count;
    }

    // A candidate is one integer that sorts by falling logit, then by rising id: the logit's bits made monotonic and turned over, then the id.
    private static ulong KeyOf(float logit, int token)
    {
        uint bits = BitConverter.SingleToUInt32Bits(logit + 0f); // -0 counts as 0
        uint rising = (bits & 0x8000_0000) == 0 ? bits | 0x8000_0000 : ~bits;
        return (ulong)~rising << 32 | (uint)token;
    }

    private static int TokenOf(ulong key) => (int)(uint)key;

    private static float LogitOf(ulong key)
    {
        uint rising = ~(uint)(key >> 32);
        return BitConverter.UInt32BitsToSingle((rising & 0x8000_0000) != 0 ? rising & 0x7FFF_FFFF : ~rising);
    }
}
