using System.Diagnostics;
using MixtralVk.Bench;

namespace MixtralVk.Cli;

/// <summary>
/// Prompts and decode as a game has them: <see cref="PerSecond"/> ticks a second that each grant so many milliseconds, for one or more
/// sequences at once. Counts the frames that a token takes, which says more than its time where grants are short, and what the device did
/// in each frame.
/// </summary>
internal sealed class FrameBench(MixtralModel model, int sequences, int promptTokens, int genTokens)
{
    /// <summary>Frames per second.</summary>
    public const int PerSecond = 60;

    private readonly int[][] _prompts = [.. Enumerable.Range(0, sequences).Select(s => PromptOf(model, s, promptTokens))];
    private readonly FrameMeter _meter = new(model);

    /// <summary>Measures a grant, after one run that is not measured; null grants all there is.</summary>
    /// <param name="milliseconds">The grant.</param>
    /// <param name="repeat">Measured runs.</param>
    /// <param name="plainSeconds">What the same prompts and tokens take without frames, see <see cref="FrameReport.OfPlain"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    public FrameReport Run(int? milliseconds, int repeat, double plainSeconds, CancellationToken cancellation)
    {
        FrameBudget budget = milliseconds is int limit ? new FrameBudget(limit, limit) : FrameBudget.Unlimited;
        Play(budget, cancellation); // learns what stages take
        _meter.Clear();
        Times[] runs = [.. Enumerable.Range(0, repeat).Select(_ => Play(budget, cancellation))];
        double share = milliseconds * PerSecond / 1000.0 ?? 1;
        return new FrameReport(
            milliseconds, sequences, Spread.Of(runs.Select(run => (double)run.Frames / genTokens)),
            Spread.Of(runs.Select(run => sequences * promptTokens / run.PromptSeconds)),
            Spread.Of(runs.Select(run => sequences * genTokens / run.DecodeSeconds)),
            Spread.Of(runs.Select(run => plainSeconds / ((run.PromptSeconds + run.DecodeSeconds) * share))),
            _meter.MeanMilliseconds, _meter.Quantile(0.95), _meter.LongestSlice, _meter.TickQuantile(0.5), _meter.TickQuantile(0.99));
    }

    private readonly record struct Times(double PromptSeconds, int Frames, double DecodeSeconds);

    /// <summary>
    /// All prompts, with a token each, and then the rest of the texts: the model's own time for them, and the frames of the latter.
    /// </summary>
    private Times Play(FrameBudget budget, CancellationToken cancellation)
    {
        Session[] sessions = [.. _prompts.Select(_ => model.StartSession())];
        Generation[] texts = [.. sessions.Zip(_prompts, (session, prompt) => session.Generate(prompt, Tokens(1), cancellation))];
        Tick(texts, budget, cancellation);
        double prompts = texts.Max(text => text.Timings.PromptTime).TotalSeconds;
        texts = [.. sessions.Select(session => session.Generate(Tokens(genTokens), cancellation))];
        int frames = Tick(texts, budget, cancellation);
        double decode = texts.Max(text => text.Timings.GenerationTime).TotalSeconds;
        foreach (Session session in sessions) session.Dispose();
        return new Times(prompts, frames, decode);

        static GenerationOptions Tokens(int count) => new() { Temperature = 0, MinTokens = count, MaxTokens = count };
    }

    /// <summary>Ticks until all texts have ended; the frames between the first and the last.</summary>
    private int Tick(Generation[] texts, FrameBudget budget, CancellationToken cancellation)
    {
        foreach (Generation text in texts) text.Start();
        int frame = 0;
        for (long start = Stopwatch.GetTimestamp(); texts.Any(text => !text.IsFinished); frame++)
        {
            cancellation.ThrowIfCancellationRequested();
            _meter.Tick(budget);
            foreach (Generation text in texts)
                while (text.TryRead(out _)) { }
            TimeSpan left = TimeSpan.FromSeconds((frame + 1.0) / PerSecond) - Stopwatch.GetElapsedTime(start);
            if (left > TimeSpan.Zero) Thread.Sleep(left);
        }
        _meter.End();
        return frame - 1;
    }

    private static int[] PromptOf(MixtralModel model, int sequence, int tokens)
    {
        using var numbers = new BenchSequence(model.ForwardPass, sequence * 1031);
        return [.. Enumerable.Range(0, tokens).Select(_ => numbers.Next())];
    }
}

/// <summary>
/// Sequences in frames that grant so many milliseconds, or all there is (null). <paramref name="OfPlain"/>: what they took without frames
/// by one prompt after the other and then a token of each per step, over what they took here, in grants of the same length: 1 is as fast.
/// Milliseconds of the device in a frame (mean, 95th percentile), of its longest slice, and of a tick on the thread that calls it.
/// </summary>
internal sealed record FrameReport(
    int? BudgetMilliseconds, int Sequences, Spread FramesPerToken, Spread PromptTokensPerSecond,
    Spread DecodeTokensPerSecond, Spread OfPlain,
    double MeanDeviceMs, double DeviceP95Ms, double LongestSliceMs, double TickP50Ms, double TickP99Ms);
