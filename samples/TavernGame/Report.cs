using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MixtralVk;

namespace TavernGame;

/// <summary>
/// What a game without a picture has shown. Times in milliseconds; bytes are those of the game's thread in frames (ticks) in which no reply
/// begins or ends: what is kept of a reply, and the work of a new line, are no cost of a frame. The quiet ticks are those of the same
/// frames.
/// </summary>
internal sealed record Report(
    string Device, int Guests, double? BudgetMs, double TickP50Ms, double TickP99Ms, double QuietTickP99Ms, double? TickProcessorP99Ms,
    double AllocatedBytesPerTick, double AllocatedBytesPerFrame, double SliceP95Ms, double MeanSliceMs,
    double LongestSliceMs, double FrameP50Ms, double FrameP99Ms, double FrameP99MsWithoutAi, double TokensPerSecond,
    double PromptTokensPerSecond, double ReusedTokensPerSecond, int Answers,
    int CompleteAnswers, int Trades, [property: JsonIgnore] IReadOnlyList<Frame> Without, [property: JsonIgnore] IReadOnlyList<Frame> With)
{
    /// <summary>
    /// Plays a quarter of the time without the guests, then the whole with them. The first two seconds of each are not counted, nor is,
    /// before, what it takes until every guest has replied once, in frames that grant all there is: that computes their prompts and
    /// compiles the game's code.
    /// </summary>
    public static Report Play(Game game, TimeSpan time)
    {
        game.AiIsOn = false;
        IReadOnlyList<Frame> without = Frames(game, time / 4, out _, out _, out _);
        game.AiIsOn = true;
        Introduce(game);
        IReadOnlyList<Frame> with = Frames(game, time, out Talk before, out Talk after, out double seconds);
        double granted = game.Budget.GpuMilliseconds;
        Frame[] steady = [.. with.Where(frame => !frame.HasEvent)];
        return new Report(
            game.Tavern.Model.Device.Description, game.Tavern.Guests.Count, double.IsFinite(granted) ? granted : null,
            Quantile(with, f => f.TickMilliseconds, 0.5), Quantile(with, f => f.TickMilliseconds, 0.99),
            Quantile(steady, f => f.TickMilliseconds, 0.99),
            ThreadTime.Milliseconds is null ? null : Quantile(with, f => f.TickProcessorMilliseconds ?? 0, 0.99),
            steady.Average(f => f.TickBytes), steady.Average(f => f.Bytes),
            Quantile(with, f => f.AiMilliseconds, 0.95), with.Average(f => f.AiMilliseconds), game.LongestSlice,
            Quantile(with, f => f.Milliseconds, 0.5), Quantile(with, f => f.Milliseconds, 0.99),
            Quantile(without, f => f.Milliseconds, 0.99),
            (after.Tokens - before.Tokens) / seconds, (after.PromptTokens - before.PromptTokens) / seconds,
            (after.ReusedTokens - before.ReusedTokens) / seconds,
            after.Ended - before.Ended, after.Complete - before.Complete, after.Trades - before.Trades, without, with);
    }

    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"""
        {Device}, {Guests} guests, {(BudgetMs is { } budget ? $"{budget} ms" : "no limit")} per frame
        tick      p50 {TickP50Ms:0.000} ms, p99 {TickP99Ms:0.000} ms, p99 of those in which no reply begins or ends {QuietTickP99Ms:0.000} ms, p99 of the time on the processor {TickProcessorP99Ms:0.000} ms
        memory    {AllocatedBytesPerTick:0.##} bytes per tick, {AllocatedBytesPerFrame:0.##} per frame, of the {With.Count(f => !f.HasEvent)} of {With.Count} in which no reply begins or ends
        device    mean {MeanSliceMs:0.00} ms per frame, p95 {SliceP95Ms:0.00} ms, longest submission {LongestSliceMs:0.0} ms
        frames    p50 {FrameP50Ms:0.0} ms, p99 {FrameP99Ms:0.0} ms, without guests p99 {FrameP99MsWithoutAi:0.0} ms
        talk      {TokensPerSecond:0.0} tokens/s, {PromptTokensPerSecond:0.0} of prompts/s and {ReusedTokensPerSecond:0.0} of them not computed again, {Answers} replies, {CompleteAnswers} of them complete, {Trades} trades
        """);

    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.Report);

    public string ToHtml() => FramePage.Write(this);

    private static void Introduce(Game game)
    {
        FrameBudget budget = game.Budget;
        game.Budget = FrameBudget.Unlimited;
        while (game.Tavern.Guests.Any(guest => guest.Talk.Ended == 0)) game.RunFrame();
        game.Budget = budget;
    }

    private static List<Frame> Frames(Game game, TimeSpan time, out Talk before, out Talk after, out double seconds)
    {
        for (int i = 0; i < 120; i++) game.RunFrame();
        int first = game.FrameCount;
        game.LongestSlice = 0;
        before = Talk.Sum(game.Tavern.Guests.Select(guest => guest.TalkSoFar));
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time) game.RunFrame();
        seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        after = Talk.Sum(game.Tavern.Guests.Select(guest => guest.TalkSoFar));
        return [.. game.FramesFrom(first)];
    }

    private static double Quantile(IReadOnlyList<Frame> frames, Func<Frame, double> value, double quantile)
    {
        double[] sorted = [.. frames.Select(value).Order()];
        return sorted[(int)Math.Min(sorted.Length - 1, quantile * sorted.Length)];
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Report))]
internal sealed partial class ReportJson : JsonSerializerContext;
