using MixtralVk.Sampling;

namespace MixtralVk.Tests.Sampling;

/// <summary>The definitions of docs/sampling.md, written down plainly: every token is listed, sorted and looked at in every step.</summary>
internal sealed class ReferenceSampler(SamplingOptions options, ISet<int> breakers)
{
    private readonly List<int> _text = [];
    private Pcg32 _random = new(options.Seed!.Value, 0);
    private double _mu = 2 * options.MirostatTau;

    private sealed record Token(int Id, double Logit);

    public void Accept(int token) => _text.Add(token);

    public int Sample(float[] logits)
    {
        List<Token> tokens = Sorted(logits.Select((logit, id) => new Token(id, logit)).Where(t => t.Logit > double.NegativeInfinity));
        foreach (SamplingStep step in options.Order)
        {
            if (options.Temperature == 0 && step > SamplingStep.Adjust) continue;
            if (options.MirostatTau > 0 && step is > SamplingStep.Adjust and not SamplingStep.Temperature) continue;
            tokens = Sorted(Apply(step, tokens, logits.Length));
        }
        if (options.Temperature == 0) return tokens[0].Id;
        if (options.MirostatTau > 0) tokens = [.. tokens.Where((t, i) => i == 0 || -Math.Log2(Probabilities(tokens)[i]) <= _mu)];
        double[] p = Probabilities(tokens);
        double point = _random.NextDouble();
        int chosen = 0;
        while (chosen < tokens.Count - 1 && (point -= p[chosen]) >= 0) chosen++;
        _mu -= options.MirostatEta * (-Math.Log2(p[chosen]) - options.MirostatTau);
        return tokens[chosen].Id;
    }

    private IEnumerable<Token> Apply(SamplingStep step, List<Token> tokens, int vocab)
    {
        double[] p = Probabilities(tokens);
        double entropy = -p.Sum(x => x * Math.Log(x));
        switch (step)
        {
            case SamplingStep.LogitBias: return tokens.Select(t =>
                t with { Logit = (float)t.Logit + options.LogitBias.GetValueOrDefault(t.Id) });
            case SamplingStep.Penalties: return tokens.Select(t => t with { Logit = Penalised(t) });
            case SamplingStep.Dry: return tokens.Select(t => t with { Logit = (float)t.Logit - DryPenaltyOf(t.Id) });
            case SamplingStep.Adjust when options.Adjust is null: return tokens;
            case SamplingStep.Adjust:
                var logits = new float[vocab];
                Array.Fill(logits, float.NegativeInfinity);
                foreach (Token t in tokens) logits[t.Id] = (float)t.Logit;
                options.Adjust(logits, Last(options.HistoryLength));
                return logits.Select((logit, id) => new Token(id, logit)).Where(t => t.Logit > double.NegativeInfinity);
            case SamplingStep.TopNSigma when options.TopNSigma > 0:
                double mean = tokens.Average(t => t.Logit), sigma = Math.Sqrt(tokens.Average(t => Math.Pow(t.Logit - mean, 2)));
                return tokens.Where(t => t.Logit >= tokens[0].Logit - options.TopNSigma * sigma);
            case SamplingStep.TopK when options.TopK > 0: return tokens.Take(options.TopK);
            case SamplingStep.Typical when options.TypicalP < 1:
                var kept = new List<Token>();
                double mass = 0;
                foreach (int i in Enumerable.Range(0, tokens.Count).OrderBy(i => Math.Abs(-Math.Log(p[i]) - entropy)).ThenBy(i => i))
                {
                    kept.Add(tokens[i]);
                    if ((mass += p[i]) > options.TypicalP) break;
                }
                return kept;
            case SamplingStep.TopP when options.TopP < 1: return tokens.Where((_, i) => i == 0 || p.Take(i).Sum() < options.TopP);
            case SamplingStep.MinP: return tokens.Where((_, i) => p[i] >= options.MinP * p[0]);
            case SamplingStep.Xtc when options.XtcProbability > 0 && options.XtcThreshold <= 0.5f && tokens.Count > 1
                && _random.NextDouble() <= options.XtcProbability:
                return tokens.Skip(Math.Max(0, p.Count(x => x >= options.XtcThreshold) - 1));
            case SamplingStep.Temperature:
                double range = options.DynamicTemperatureRange, least = Math.Max(0, options.Temperature - range),
                    most = options.Temperature + range;
                double uncertainty = tokens.Count > 1 ? entropy / Math.Log(tokens.Count) : 0;
                double temperature = range == 0 ? options.Temperature : Math.Max(1e-6,
                    least + (most - least) * Math.Pow(uncertainty, options.DynamicTemperatureExponent));
                return tokens.Select(t => t with { Logit = t.Logit / temperature });
            default: return tokens;
        }
    }

    private float Penalised(Token token)
    {
        int count = Last(options.RepetitionWindow).Count(t => t == token.Id);
        float logit = (float)token.Logit;
        if (count == 0) return logit;
        return (logit > 0 ? logit / options.RepetitionPenalty
            : logit * options.RepetitionPenalty) - (count * options.FrequencyPenalty + options.PresencePenalty);
    }

    /// <summary>The longest end of the text that also stands, followed by the token, earlier in it, both without a breaker.</summary>
    private float DryPenaltyOf(int token)
    {
        if (options.DryMultiplier == 0 || breakers.Contains(token)) return 0;
        int[] text = Last(options.DryWindow);
        int sinceBreak = _text.AsEnumerable().Reverse().TakeWhile(t => !breakers.Contains(t)).Count(), longest = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != token) continue;
            int length = 0;
            while (length < at && text[at - 1 - length] == text[text.Length - 1 - length]) length++;
            longest = Math.Max(longest, Math.Min(length, sinceBreak));
        }
        return longest < options.DryAllowedLength
            ? 0 : options.DryMultiplier * (float)Math.Pow(options.DryBase, longest - options.DryAllowedLength);
    }

    private int[] Last(int count) => [.. _text.TakeLast(count)];

    private static List<Token> Sorted(IEnumerable<Token> tokens) => [.. tokens.OrderByDescending(t => t.Logit).ThenBy(t => t.Id)];

    private static double[] Probabilities(List<Token> tokens)
    {
        double most = tokens.Max(t => t.Logit), sum = tokens.Sum(t => Math.Exp(t.Logit - most));
        return [.. tokens.Select(t => Math.Exp(t.Logit - most) / sum)];
    }
}
