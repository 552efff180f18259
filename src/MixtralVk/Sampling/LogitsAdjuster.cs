namespace MixtralVk.Sampling;

/// <summary>
/// A sampler of the caller's own: changes logits before a token is chosen. Called once per token on the thread that samples; negative infinity
/// and NaN rule a token out.
/// </summary>
/// <param name="logits">One per token of the vocabulary, to be changed in place; valid during the call only.</param>
/// <param name="recent">The last tokens of the text, oldest first, as many as <see cref="SamplingOptions.HistoryLength"/> says.</param>
public delegate void LogitsAdjuster(Span<float> logits, ReadOnlySpan<int> recent);
