namespace MixtralVk.Sampling;

/// <summary>
/// Chooses tokens from logits, as <see cref="SamplingOptions"/> say. Allocates only when made. NaN logits are never chosen. Not
/// thread-safe.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly SamplingStep[] _steps; // those that do something
    private readonly (int Token, float Bias)[] _bias;
    private readonly TokenHistory _history;
    private readonly Penalties? _penalties;
    private readonly DryPenalty? _dry;
    private readonly float[] _adjusted;
    private readonly Shortlist _list;
    private Pcg32 _random;
    private double _mirostat;

    /// <summary>
    /// Makes a sampler for logits of <paramref name="vocabSize"/> tokens. Throws <see cref="ArgumentOutOfRangeException"/> for options out
    /// of their range.
    /// </summary>
    public Sampler(SamplingOptions options, int vocabSize) : this(options, vocabSize, ReadOnlyMemory<uint>.Empty, scratch: null)
    {
    }

    /// <summary>
    /// The same with the tokens, one bit each, that break sequences for the DRY penalty, and for the whole vocabulary a place to work in
    /// that others use before and after.
    /// </summary>
    internal Sampler(SamplingOptions options, int vocabSize, ReadOnlyMemory<uint> sequenceBreakers, SamplingScratch? scratch)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabSize);
        options.Validate();
        _options = options;
        VocabSize = vocabSize;
        Seed = options.Seed ?? (ulong)Random.Shared.NextInt64();
        _random = new Pcg32(Seed, stream: 0);
        _bias = [.. options.LogitBias.Select(b => (b.Key, b.Value))];
        foreach ((int token, _) in _bias)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, vocabSize, nameof(SamplingOptions.LogitBias));
        _history = new TokenHistory(options.HistoryLength);
        if (Penalties.AreOn(options)) _penalties = new Penalties(options, vocabSize);
        if (DryPenalty.IsOn(options)) _dry = new DryPenalty(options, vocabSize, sequenceBreakers);
        _mirostat = 2 * options.MirostatTau;
        _steps = [.. options.Order.Where(IsOn)];
        scratch ??= new SamplingScratch(vocabSize, MostListed());
        (_adjusted, _list) = (scratch.Logits, scratch.List);
    }

    /// <summary>Number of tokens the logits are for.</summary>
    public int VocabSize { get; }

    /// <summary>The seed in use: the one asked for, or the one taken in its place.</summary>
    public ulong Seed { get; }

    /// <summary>Tells a token that now stands in the text, of the prompt or sampled: the penalties look at them.</summary>
    public void Accept(int token) => Accept(token, breaksSequence: false);

    /// <summary>The same; a token with which a sequence breaker is complete ends the repetitions that the DRY penalty sees.</summary>
    internal void Accept(int token, bool breaksSequence)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)token, (uint)VocabSize, nameof(token));
        _penalties?.Accept(token, _history);
        _dry?.Accept(breaksSequence);
        _history.Add(token);
    }

    /// <summary>
    /// Chooses a token. <paramref name="logits"/>: one per token of the vocabulary, not changed.
    /// Throws <see cref="NoTokenException"/> when no token is possible (all NaN or negative infinity).
    /// </summary>
    public int Sample(ReadOnlySpan<float> logits) => Sample(logits, []);

    /// <summary>
    /// The same among the tokens whose bit is set (bit <c>t % 32</c> of word <c>t / 32</c>); among all when there are no bits.
    /// </summary>
    internal int Sample(ReadOnlySpan<float> logits, ReadOnlySpan<uint> allowed)
    {
        if (logits.Length != VocabSize)
            throw new ArgumentException($"{logits.Length} logits for a vocabulary of {VocabSize}.", nameof(logits));
        if (!allowed.IsEmpty) logits = Forbid(logits, allowed);
        bool listed = false;
        double temperature = 1; // to be applied to logits that are not listed yet
        foreach (SamplingStep step in _steps)
        {
            if (ChangesLogits(step))
            {
                logits = listed ? Spread() : Scaled(logits, temperature);
                (listed, temperature) = (false, 1);
                ChangeLogits(step);
            }
            else if (_options.Temperature == 0) continue;
            else if (listed) Cut(step);
            else if (step == SamplingStep.Temperature) temperature *= TemperatureOf(logits, temperature);
            else
            {
                List(step, logits, temperature);
                listed = true;
            }
        }
        if (_options.Temperature == 0) _list.List(logits, 1, 1);
        else if (!listed) return ChooseOfAll(logits, temperature);
        if (_list.Count == 0) throw new NoTokenException();
        return _options.Temperature == 0 ? _list[0] : _list[_list.At(_random.NextDouble())];
    }

    /// <summary>One token, or those of the top-k cut where that is the first thing done to the logits, or all.</summary>
    private int MostListed()
    {
        if (_options.Temperature == 0) return 1;
        SamplingStep[] cuts = [.. _steps.SkipWhile(ChangesLogits)];
        return cuts is [SamplingStep.TopK, ..] && !cuts.Any(ChangesLogits) ? Math.Min(_options.TopK, VocabSize) : VocabSize;
    }

    private bool IsOn(SamplingStep step) => step switch
    {
        SamplingStep.LogitBias => _bias.Length > 0,
        SamplingStep.Penalties => _penalties is not null,
        SamplingStep.Dry => _dry is not null,
        SamplingStep.Adjust => _options.Adjust is not null,
        SamplingStep.Temperature => true,
        _ when _options.MirostatTau > 0 => false,
        SamplingStep.TopNSigma => _options.TopNSigma > 0,
        SamplingStep.TopK => _options.TopK > 0 && _options.TopK < VocabSize,
        SamplingStep.Typical => _options.TypicalP < 1,
        SamplingStep.TopP => _options.TopP < 1,
        SamplingStep.MinP => _options.MinP > 0,
        SamplingStep.Xtc => _options.XtcProbability > 0 && _options.XtcThreshold <= 0.5f,
        _ => throw new ArgumentOutOfRangeException(nameof(step)),
    };

    private static bool ChangesLogits(SamplingStep step) =>
        step is SamplingStep.LogitBias or SamplingStep.Penalties or SamplingStep.Dry or SamplingStep.Adjust;

    private void ChangeLogits(SamplingStep step)
    {
        if (step == SamplingStep.Penalties) _penalties!.Apply(_adjusted, _history);
        else if (step == SamplingStep.Dry) _dry!.Apply(_adjusted, _history);
        else if (step == SamplingStep.Adjust) _options.Adjust!(_adjusted, _history.Last(_options.HistoryLength));
        else foreach ((int token, float bias) in _bias) _adjusted[token] += bias;
    }

    /// <summary>Lists what a cut leaves of all tokens.</summary>
    private void List(SamplingStep step, ReadOnlySpan<float> logits, double temperature)
    {
        if (step == SamplingStep.TopK)
        {
            _list.List(logits, temperature, _options.TopK);
            return;
        }
        float largest = LogitSums.Largest(logits);
        if (float.IsNegativeInfinity(largest)) throw new NoTokenException();
        switch (step)
        {
            case SamplingStep.TopNSigma:
                double range = _options.TopNSigma * LogitSums.Deviation(logits) / temperature;
                _list.ListWithin(logits, largest, temperature, WithSlack(range));
                _list.KeepWithin(range);
                break;
            case SamplingStep.MinP:
                _list.ListWithin(logits, largest, temperature, WithSlack(-Math.Log(_options.MinP)));
                _list.KeepMinP(_options.MinP);
                break;
            case SamplingStep.TopP:
                // What min-p takes away next need not be listed.
                bool minPFollows = Array.IndexOf(_steps, SamplingStep.MinP) == Array.IndexOf(_steps, SamplingStep.TopP) + 1;
                _list.ListWeight(logits, largest, temperature, _options.TopP * LogitSums.Weights(logits, largest, temperature),
                    minPFollows ? WithSlack(-Math.Log(_options.MinP)) : double.PositiveInfinity);
                break;
            case SamplingStep.Typical:
                _list.ListTypical(logits, largest, temperature, _options.TypicalP);
                break;
            default:
                _list.ListWithin(logits, largest, temperature, double.PositiveInfinity);
                Cut(step);
                break;
        }
    }

    /// <summary>A range that surely holds what a cut at exactly that range keeps.</summary>
    private static double WithSlack(double range) => range + 1e-6 * (1 + range);

    private void Cut(SamplingStep step)
    {
        if (_list.Count < 2) return;
        switch (step)
        {
            case SamplingStep.TopNSigma: _list.KeepWithin(_options.TopNSigma * Deviation(_list.Relative)); break;
            case SamplingStep.TopK: _list.KeepTopK(_options.TopK); break;
            case SamplingStep.Typical: _list.KeepTypical(_options.TypicalP); break;
            case SamplingStep.TopP: _list.KeepTopP(_options.TopP); break;
            case SamplingStep.MinP: _list.KeepMinP(_options.MinP); break;
            case SamplingStep.Xtc when _random.NextDouble() > _options.XtcProbability: break;
            case SamplingStep.Xtc: _list.CutObvious(_options.XtcThreshold); break;
            case SamplingStep.Temperature when _options.DynamicTemperatureRange == 0: _list.Scale(_options.Temperature); break;
            case SamplingStep.Temperature: _list.Scale(DynamicTemperature(_list.Entropy(), _list.Count)); break;
            default: throw new ArgumentOutOfRangeException(nameof(step));
        }
    }

    /// <summary>A token of all, or of those Mirostat leaves (S. Basu et al., "Mirostat", 2021, the second algorithm).</summary>
    private int ChooseOfAll(ReadOnlySpan<float> logits, double temperature)
    {
        float largest = LogitSums.Largest(logits);
        if (float.IsNegativeInfinity(largest)) throw new NoTokenException();
        double sum = LogitSums.Weights(logits, largest, temperature), range = double.PositiveInfinity;
        if (_options.MirostatTau > 0)
        {
            range = Math.Max(0, _mirostat * Math.Log(2) - Math.Log(sum));
            sum = LogitSums.WeightsWithin(logits, largest, temperature, range);
        }
        _list.ListWeight(logits, largest, temperature, _random.NextDouble() * sum, WithSlack(range));
        _list.KeepWithin(range);
        int chosen = _list.Count - 1;
        _mirostat -= _options.MirostatEta * (Math.Log2(sum) - _list.Relative[chosen] / Math.Log(2) - _options.MirostatTau);
        return _list[chosen];
    }

    private double TemperatureOf(ReadOnlySpan<float> logits, double temperature)
    {
        if (_options.DynamicTemperatureRange == 0) return _options.Temperature;
        float largest = LogitSums.Largest(logits);
        if (float.IsNegativeInfinity(largest)) throw new NoTokenException();
        double sum = LogitSums.Weights(logits, largest, temperature);
        return DynamicTemperature(Math.Log(sum) - LogitSums.MeanByProbability(logits, largest, temperature, sum), LogitSums.Count(logits));
    }

    /// <summary>Never 0, which would divide by it: so low that only the likeliest tokens are left.</summary>
    private double DynamicTemperature(double entropy, double count)
    {
        double least = Math.Max(0, _options.Temperature - _options.DynamicTemperatureRange),
            most = _options.Temperature + (double)_options.DynamicTemperatureRange;
        double uncertainty = count > 1 ? Math.Clamp(entropy / Math.Log(count), 0, 1) : 0;
        return Math.Max(1e-6, least + (most - least) * Math.Pow(uncertainty, _options.DynamicTemperatureExponent));
    }

    /// <summary>A copy of the logits with negative infinity for what is not allowed.</summary>
    private Span<float> Forbid(ReadOnlySpan<float> logits, ReadOnlySpan<uint> allowed)
    {
        logits.CopyTo(_adjusted);
        for (int word = 0; word * 32 < VocabSize; word++)
        {
            Span<float> tokens = _adjusted.AsSpan(word * 32, Math.Min(32, VocabSize - word * 32));
            if (allowed[word] == 0) tokens.Fill(float.NegativeInfinity);
            else if (allowed[word] != uint.MaxValue)
                for (int i = 0; i < tokens.Length; i++) if ((allowed[word] >> i & 1) == 0) tokens[i] = float.NegativeInfinity;
        }
        return _adjusted;
    }

    /// <summary>The logits over a temperature, where they may be changed.</summary>
    private Span<float> Scaled(ReadOnlySpan<float> logits, double temperature)
    {
        if (!logits.Overlaps(_adjusted)) logits.CopyTo(_adjusted);
        if (temperature != 1)
            foreach (ref float logit in _adjusted.AsSpan()) logit = (float)(logit / temperature);
        return _adjusted;
    }

    /// <summary>The list as logits again: negative infinity for what is not on it.</summary>
    private Span<float> Spread()
    {
        _adjusted.AsSpan().Fill(float.NegativeInfinity);
        for (int i = 0; i < _list.Count; i++) _adjusted[_list[i]] = (float)_list.LogitOf(i);
        return _adjusted;
    }

    private static double Deviation(ReadOnlySpan<double> values)
    {
        double mean = 0, squares = 0;
        foreach (double value in values) mean += value / values.Length;
        foreach (double value in values) squares += (value - mean) * (value - mean);
        return Math.Sqrt(squares / values.Length);
    }
}
