namespace MixtralVk.Sampling;

/// <summary>
/// The tokens that are still in play, likeliest first. Every cut leaves neighbours in that order, so what is left is one range of a sorted
/// list; and few tokens pass the usual cuts, so only as many are listed as these need: those near the likeliest first, then a wider and
/// wider range.
/// </summary>
internal sealed class Shortlist(int capacity)
{
    private readonly Candidates _candidates = new(capacity);
    private readonly double[] _relative = new double[capacity]; // (logit - largest of all) / temperature
    private readonly double[] _weights = new double[capacity];
    private int _first, _end;
    private double _largest; // what the relative logits are relative to
    private bool _weighed;

    public int Count => _end - _first;

    /// <summary>Logits of the range relative to the largest of all, over the temperature.</summary>
    public ReadOnlySpan<double> Relative => _relative.AsSpan(_first, Count);

    /// <summary>The i-th token of the range.</summary>
    public int this[int i] => Candidates.TokenOf(_candidates.Selected[_first + i]);

    /// <summary>Logit of the i-th token of the range, over the temperature.</summary>
    public double LogitOf(int i) => _relative[_first + i] + _largest;

    /// <summary>Lists the likeliest tokens.</summary>
    public void List(ReadOnlySpan<float> logits, double temperature, int most)
    {
        ReadOnlySpan<ulong> keys = _candidates.Likeliest(logits, most);
        Relate(keys.IsEmpty ? 0 : Candidates.LogitOf(keys[0]), temperature);
    }

    /// <summary>
    /// Lists the tokens whose relative logit is at least about -<paramref name="range"/>; true when these are all that can be chosen.
    /// </summary>
    public bool ListWithin(ReadOnlySpan<float> logits, float largest, double temperature, double range)
    {
        float least = (float)(largest - range * temperature);
        bool all = !(least > float.MinValue);
        int count = _candidates.AtLeast(logits, all ? float.MinValue : least).Length;
        Relate(largest, temperature);
        return all || count == logits.Length;
    }

    /// <summary>
    /// Lists the likeliest tokens that together reach a weight (the likeliest has 1), or those within <paramref name="widest"/> where these
    /// reach less.
    /// </summary>
    public void ListWeight(ReadOnlySpan<float> logits, float largest, double temperature, double wanted, double widest)
    {
        for (double range = 4; ; range *= 2)
        {
            bool all = ListWithin(logits, largest, temperature, Math.Min(range, widest)) || range >= widest;
            Weigh();
            if (Reach(wanted) || all) return;
        }
    }

    /// <summary>Lists what <see cref="KeepTypical(double)"/> keeps of all tokens.</summary>
    public void ListTypical(ReadOnlySpan<float> logits, float largest, double temperature, double probability)
    {
        double sum = LogitSums.Weights(logits, largest, temperature);
        double expected = LogitSums.MeanByProbability(logits, largest, temperature, sum);
        for (double range = 4; ; range *= 2)
        {
            bool all = ListWithin(logits, largest, temperature, range);
            Weigh();
            if (KeepTypical(probability, sum, expected, all)) return;
        }
    }

    public void KeepTopK(int count) => _end = Math.Min(_end, _first + count);

    /// <summary>Keeps the likeliest tokens that together reach a share of the list's probability.</summary>
    public void KeepTopP(double probability) => Reach(probability * Weigh());

    /// <summary>Keeps tokens at least this many times as likely as the likeliest.</summary>
    public void KeepMinP(double least)
    {
        Weigh();
        int end = _first + 1;
        while (end < _end && _weights[end] >= least * _weights[_first]) end++;
        _end = end;
    }

    /// <summary>Keeps tokens whose relative logit is at most <paramref name="range"/> below the likeliest.</summary>
    public void KeepWithin(double range)
    {
        int end = _first + 1;
        while (end < _end && _relative[end] >= _relative[_first] - range) end++;
        _end = end;
    }

    /// <summary>
    /// Locally typical sampling (C. Meister et al., 2022): tokens by how near their surprise is to the expected one, until they exceed a
    /// probability.
    /// </summary>
    public void KeepTypical(double probability)
    {
        double sum = Weigh();
        KeepTypical(probability, sum, MeanByProbability(sum), all: true);
    }

    /// <summary>Exclude top choices: of several tokens of at least this probability only the least likely stays.</summary>
    public void CutObvious(double threshold)
    {
        double least = threshold * Weigh();
        while (_first + 1 < _end && _weights[_first + 1] >= least) _first++;
    }

    public void Scale(double temperature)
    {
        foreach (ref double value in _relative.AsSpan(_first, Count)) value /= temperature;
        _largest /= temperature;
        _weighed = false;
    }

    /// <summary>Entropy of the range, in nats.</summary>
    public double Entropy()
    {
        double sum = Weigh();
        return Math.Log(sum / _weights[_first]) + _relative[_first] - MeanByProbability(sum);
    }

    /// <summary>Place in the range of the token at a point of [0, 1) of its probability.</summary>
    public int At(double point)
    {
        double left = point * Weigh();
        for (int i = _first; i < _end - 1; i++)
            if ((left -= _weights[i]) < 0) return i - _first;
        return Count - 1;
    }

    private void Relate(float largest, double temperature)
    {
        ReadOnlySpan<ulong> keys = _candidates.Selected;
        for (int i = 0; i < keys.Length; i++) _relative[i] = ((double)Candidates.LogitOf(keys[i]) - largest) / temperature;
        (_first, _end, _largest, _weighed) = (0, keys.Length, largest / temperature, false);
    }

    /// <summary>
    /// Fills in the weights, and gives the sum of those of the range. They hold until the temperature changes: only their ratios count.
    /// </summary>
    private double Weigh()
    {
        double sum = 0;
        for (int i = _first; i < _end; i++) sum += _weighed ? _weights[i] : _weights[i] = Math.Exp(_relative[i] - _relative[_first]);
        _weighed = true;
        return sum;
    }

    private double MeanByProbability(double sum)
    {
        double mean = 0;
        for (int i = _first; i < _end; i++) mean += _weights[i] * _relative[i];
        return mean / sum;
    }

    /// <summary>Keeps the likeliest tokens up to a sum of weights, at least one; false where all weigh less.</summary>
    private bool Reach(double wanted)
    {
        double reached = 0;
        int end = _first;
        while (end < _end && !(reached >= wanted && end > _first)) reached += _weights[end++];
        _end = end;
        return reached >= wanted;
    }

    /// <summary>
    /// False where the list is too short to tell. <paramref name="sum"/> is the weight of all tokens and <paramref name="expected"/> the
    /// relative logit of the expected surprise.
    /// </summary>
    private bool KeepTypical(double probability, double sum, double expected, bool all)
    {
        int end = _first;
        while (end < _end && _relative[end] > expected) end++;
        int first = end;
        double reached = 0;
        // From the expected surprise to both sides, of equally near ones the likelier first.
        while (reached <= probability * sum && (first > _first || end < _end))
        {
            if (end == _end && !all) return false;
            bool likelier = end == _end || first > _first && _relative[first - 1] - expected <= expected - _relative[end];
            reached += _weights[likelier ? --first : end++];
        }
        (_first, _end) = (first, end);
        return all || reached > probability * sum;
    }
}
