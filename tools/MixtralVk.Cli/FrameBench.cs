using System.Diagnostics;
using MixtralVk.Bench;

namespace MixtralVk.Cli;

/// <summary>
/// Decode as a game has it: <see cref="PerSecond"/> ticks a second that each grant so many milliseconds. Counts the frames that a token takes, which says more than
/// its time where grants are short.
/// </summary>
internal sealed class FrameBench(MixtralModel model, int promptTokens, int genTokens)
{
    /// <summary>Frames per second.</summary>
    public const int PerSecond = 60;

    private readonly int[] _prompt = PromptOf(model, promptTokens);

    /// <summary>Measures a grant, after one run that is not measured; null grants all there is.</summary>
    public FrameReport Run(int? milliseconds, int repeat, CancellationToken cancellation)
    {
        FrameBudget budget = milliseconds is int limit ? new FrameBudget(limit, limit) : FrameBudget.Unlimited;
        Decode(budget, cancellation); // learns what stages take
        (int Frames, double Seconds)[] runs = [.. Enumerable.Range(0, repeat).Select(_ => Decode(budget, cancellation))];
        return new FrameReport(milliseconds, Spread.Of(runs.Select(run => (double)run.Frames / genTokens)), Spread.Of(runs.Select(run => genTokens / run.Seconds)));
    }

    /// <summary>The frames, and the model's own time, from the first token to the last.</summary>
    private (int Frames, double Seconds) Decode(FrameBudget budget, CancellationToken cancellation)
    {
        using Session session = model.StartSession();
        Generation text = session.Generate(_prompt, new GenerationOptions { Temperature = 0, MinTokens = genTokens + 1, MaxTokens = genTokens + 1 }, cancellation);
        int frame = 0, first = 0;
        TimeSpan begun = default;
        for (long start = Stopwatch.GetTimestamp(); !text.IsFinished; frame++)
        {
            cancellation.ThrowIfCancellationRequested();
            model.Tick(budget);
            while (text.TryRead(out _))
                if (first == 0) (first, begun) = (frame, text.Timings.GenerationTime);
            TimeSpan left = TimeSpan.FromSeconds((frame + 1.0) / PerSecond) - Stopwatch.GetElapsedTime(start);
            if (left > TimeSpan.Zero) Thread.Sleep(left);
        }
        return (frame - 1 - first, (text.Timings.GenerationTime - begun).TotalSeconds);
    }

    private static int[] PromptOf(MixtralModel model, int tokens)
    {
        using var sequence = new BenchSequence(model.ForwardPass, 0);
        return [.. Enumerable.Range(0, tokens).Select(_ => sequence.Next())];
    }
}

/// <summary>Decode in frames that grant so many milliseconds, or all there is (null).</summary>
internal sealed record FrameReport(int? BudgetMilliseconds, Spread FramesPerToken, Spread DecodeTokensPerSecond);
