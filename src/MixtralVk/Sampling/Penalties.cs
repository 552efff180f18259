namespace MixtralVk.Sampling;

/// <summary>
/// Makes tokens less likely that are among the last ones: the logit is divided by the repetition penalty (a negative one multiplied), then
/// loses the frequency penalty once per occurrence and the presence penalty once.
/// </summary>
internal sealed class Penalties(SamplingOptions options, int vocabSize)
{
    private readonly int[] _counts = new int[vocabSize]; // of each token in the window

    public static bool AreOn(SamplingOptions options) => options.RepetitionWindow > 0
        && (options.RepetitionPenalty != 1 || options.FrequencyPenalty != 0 || options.PresencePenalty != 0);

    /// <summary>Counts a token, before it is added to the history.</summary>
    public void Accept(int token, TokenHistory history)
    {
        ReadOnlySpan<int> window = history.Last(options.RepetitionWindow);
        if (window.Length == options.RepetitionWindow) _counts[window[0]]--;
        _counts[token]++;
    }

    public void Apply(Span<float> logits, TokenHistory history)
    {
        ReadOnlySpan<int> window = history.Last(options.RepetitionWindow);
        foreach (int token in window)
        {
            int count = _counts[token];
            if (count < 0) continue; // done already, at another place in the window
            _counts[token] = -count;
            // A result that overflows stays a number, so that the token can still be chosen; infinities of the model stay what they are.
            float logit = logits[token];
            if (!float.IsFinite(logit)) continue;
            float repeated = logit > 0 ? logit / options.RepetitionPenalty : logit * options.RepetitionPenalty;
            logits[token] = Finite(Finite(repeated) - (count * options.FrequencyPenalty + options.PresencePenalty));
        }
        foreach (int token in window) _counts[token] = Math.Abs(_counts[token]);
    }

    private static float Finite(float logit) => Math.Clamp(logit, float.MinValue, float.MaxValue);
}
