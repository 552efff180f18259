namespace MixtralVk.Sampling;

/// <summary>
/// A sampler of the caller's own: changes logits before a token is chosen; negative infinity and NaN rule a token out.
/// <para>Called once per token on the thread that chooses: of sessions, chats and characters the model's own, for one text after the other.
/// It must not wait for anything, nor use the model; in a game its time is part of the grant (<see cref="FrameBudget.CpuMilliseconds"/>).
/// What it throws ends that text alone, and who reads it gets the exception. The same text comes again only where it depends on nothing but
/// its arguments.</para>
/// </summary>
/// <param name="logits">One per token of the vocabulary, to be changed in place; valid during the call only.</param>
/// <param name="recent">The last tokens of the text, oldest first, as many as <see cref="SamplingOptions.HistoryLength"/> says.</param>
public delegate void LogitsAdjuster(Span<float> logits, ReadOnlySpan<int> recent);
