using System.Runtime.Intrinsics;

namespace MixtralVk.Sampling;

/// <summary>
/// Chooses tokens from logits, as <see cref="SamplingOptions"/> say. Allocates only when made. NaN logits are never chosen. Not thread-safe.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly RepetitionWindow? _recent;
    private readonly float[] _adjusted;
    private readonly Candidates _candidates;
    private readonly double[] _weights;
    private readonly bool _hasTopK;
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
        _hasTopK = kept < vocabSize;
        _candidates = new Candidates(kept);
        _weights = new double[kept];
        _adjusted = new float[vocabSize];
        if (options.RepetitionPenalty != 1 && options.RepetitionWindow > 0) _recent = new RepetitionWindow(options.RepetitionWindow);
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
        ReadOnlySpan<ulong> candidates = Select(_recent is null && allowed.IsEmpty ? logits : Adjust(logits, allowed));
        if (candidates.IsEmpty) throw new MixtralException("No token can follow: every logit is NaN or negative infinity.");
        return candidates.Length == 1 ? Candidates.TokenOf(candidates[0]) : Draw(candidates);
    }

    /// <summary>What the cuts leave, likeliest first.</summary>
    private ReadOnlySpan<ulong> Select(ReadOnlySpan<float> logits)
    {
        if (!_hasTopK) return SelectProbable(logits);
        ReadOnlySpan<ulong> likeliest = _candidates.Likeliest(logits);
        return likeliest.Length < 2 ? likeliest : likeliest[..CountKept(likeliest, sum: null)];
    }

    /// <summary>
    /// The same without top-k. Few tokens pass the other cuts, so only as many as these need are sorted: those near the likeliest first, then
    /// those in a wider and wider range.
    /// </summary>
    private ReadOnlySpan<ulong> SelectProbable(ReadOnlySpan<float> logits)
    {
        float most = Largest(logits);
        if (float.IsNegativeInfinity(most)) return [];
        double? sum = _options.TopP < 1 ? SumOfWeights(logits, most) : null;
        bool cuts = sum is not null || _options.MinP > 0;
        for (float range = 4; cuts && most - range > float.MinValue; range *= 2)
        {
            ReadOnlySpan<ulong> near = _candidates.AtLeast(logits, most - range);
            int kept = CountKept(near, sum ?? double.PositiveInfinity);
            if (kept < near.Length) return near[..kept];
            if (near.Length == logits.Length) break;
        }
        ReadOnlySpan<ulong> all = _candidates.AtLeast(logits, float.MinValue);
        return all[..CountKept(all, sum)];
    }

    /// <summary>
    /// How many of the candidates pass top-p and min-p, at least one. <paramref name="sum"/> is that of the weights of all tokens, null where
    /// these are all the candidates there are.
    /// </summary>
    private int CountKept(ReadOnlySpan<ulong> candidates, double? sum)
    {
        Span<double> weights = _weights.AsSpan(0, candidates.Length);
        float likeliest = Candidates.LogitOf(candidates[0]);
        double total = 0;
        for (int i = 0; i < weights.Length; i++) total += weights[i] = Math.Exp((double)Candidates.LogitOf(candidates[i]) - likeliest);
        return Math.Min(CountTopP(weights, _options.TopP * (sum ?? total)), CountMinP(weights, _options.MinP));
    }

    private int Draw(ReadOnlySpan<ulong> candidates)
    {
        Span<double> weights = _weights.AsSpan(0, candidates.Length);
        double likeliest = Candidates.LogitOf(candidates[0]), total = 0;
        for (int i = 0; i < weights.Length; i++) total += weights[i] = Math.Exp((Candidates.LogitOf(candidates[i]) - likeliest) / _options.Temperature);
        double point = _random.NextDouble() * total;
        for (int i = 0; i < weights.Length - 1; i++)
        {
            point -= weights[i];
            if (point < 0) return Candidates.TokenOf(candidates[i]);
        }
        return Candidates.TokenOf(candidates[^1]);
    }

    /// <summary>The logits with the repetition penalty, and negative infinity for what is not allowed.</summary>
    private ReadOnlySpan<float> Adjust(ReadOnlySpan<float> logits, ReadOnlySpan<uint> allowed)
    {
        logits.CopyTo(_adjusted);
        float penalty = _options.RepetitionPenalty;
        foreach (int token in _recent is null ? [] : _recent.Tokens)
        {
            // A product that overflows stays a number, so that the token can still be chosen; infinities of the model stay what they are.
            float logit = logits[token];
            if (float.IsFinite(logit)) _adjusted[token] = Math.Clamp(logit > 0 ? logit / penalty : logit * penalty, float.MinValue, float.MaxValue);
        }
        for (int word = 0; !allowed.IsEmpty && word * 32 < VocabSize; word++)
        {
            Span<float> tokens = _adjusted.AsSpan(word * 32, Math.Min(32, VocabSize - word * 32));
            if (allowed[word] == 0) tokens.Fill(float.NegativeInfinity);
            else if (allowed[word] != uint.MaxValue)
                for (int i = 0; i < tokens.Length; i++) if ((allowed[word] >> i & 1) == 0) tokens[i] = float.NegativeInfinity;
        }
        return _adjusted;
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

    /// <summary>The largest number, at most the largest finite one; negative infinity where there is none.</summary>
    private static float Largest(ReadOnlySpan<float> logits)
    {
        var most = Vector256.Create(float.NegativeInfinity);
        int i = 0;
        // A comparison with NaN is false, so NaN never gets in.
        for (; i + Vector256<float>.Count <= logits.Length; i += Vector256<float>.Count)
        {
            Vector256<float> block = Vector256.Create(logits[i..]);
            most = Vector256.ConditionalSelect(Vector256.GreaterThan(block, most), block, most);
        }
        float largest = float.NegativeInfinity;
        for (int lane = 0; lane < Vector256<float>.Count; lane++) largest = Math.Max(largest, most[lane]);
        for (; i < logits.Length; i++) if (logits[i] > largest) largest = logits[i];
        return Math.Min(largest, float.MaxValue);
    }

    /// <summary>
    /// sum of exp(logit - most): eight partial sums of every eighth token each, so that the order is the same on every processor.
    /// </summary>
    private static double SumOfWeights(ReadOnlySpan<float> logits, float most)
    {
        Vector512<double> sums = Vector512<double>.Zero, subtract = Vector512.Create((double)most);
        Span<float> last = stackalloc float[Vector512<double>.Count];
        for (int i = 0; i < logits.Length; i += Vector512<double>.Count)
        {
            scoped ReadOnlySpan<float> block = logits[i..];
            if (block.Length < Vector512<double>.Count)
            {
                last.Fill(float.NegativeInfinity);
                block.CopyTo(last);
                block = last;
            }
            Vector256<float> values = Vector256.Min(Vector256.Create(block), Vector256.Create(float.MaxValue));
            (Vector256<double> low, Vector256<double> high) = Vector256.Widen(values);
            Vector512<double> weights = Vector512.Exp(Vector512.Create(low, high) - subtract);
            sums += Vector512.ConditionalSelect(Vector512.Equals(weights, weights), weights, Vector512<double>.Zero); // NaN has no weight
        }
        return Vector512.Sum(sums);
    }
}
