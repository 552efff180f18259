using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TavernGame;

/// <summary>What a game without a picture has shown. Times in milliseconds.</summary>
internal sealed record Report(
    string Device, int Guests, double? BudgetMs, double TickP50Ms, double TickP99Ms, double AllocatedBytesPerTick, double SliceP95Ms, double MeanSliceMs, double LongestSliceMs,
    double FrameP50Ms, double FrameP99Ms, double FrameP99MsWithoutAi, double TokensPerSecond, int Answers, [property: JsonIgnore] IReadOnlyList<Frame> Without, [property: JsonIgnore] IReadOnlyList<Frame> With)
{
    /// <summary>Plays a quarter of the time without the guests, then the whole with them; the first second of each is not counted.</summary>
    public static Report Play(Game game, TimeSpan time)
    {
        game.AiIsOn = false;
        IReadOnlyList<Frame> without = Frames(game, time / 4, out _);
        game.AiIsOn = true;
        IReadOnlyList<Frame> with = Frames(game, time, out double tokensPerSecond);
        double granted = game.Budget.GpuMilliseconds;
        return new Report(
            game.Tavern.Model.Device.Description, game.Tavern.Guests.Count, double.IsFinite(granted) ? granted : null,
            Quantile(with, f => f.TickMilliseconds, 0.5), Quantile(with, f => f.TickMilliseconds, 0.99), with.Average(f => f.TickBytes),
            Quantile(with, f => f.AiMilliseconds, 0.95), with.Average(f => f.AiMilliseconds), game.LongestSlice,
            Quantile(with, f => f.Milliseconds, 0.5), Quantile(with, f => f.Milliseconds, 0.99), Quantile(without, f => f.Milliseconds, 0.99),
            tokensPerSecond, game.Tavern.Guests.Sum(guest => guest.Answers), without, with);
    }

    public string ToText() => string.Create(CultureInfo.InvariantCulture, $"""
        {Device}, {Guests} guests, {(BudgetMs is { } budget ? $"{budget} ms" : "no limit")} per frame
        tick      p50 {TickP50Ms:0.000} ms, p99 {TickP99Ms:0.000} ms, {AllocatedBytesPerTick:0} bytes
        device    mean {MeanSliceMs:0.00} ms per frame, p95 {SliceP95Ms:0.00} ms, longest submission {LongestSliceMs:0.0} ms
        frames    p50 {FrameP50Ms:0.0} ms, p99 {FrameP99Ms:0.0} ms, without guests p99 {FrameP99MsWithoutAi:0.0} ms
        talk      {TokensPerSecond:0.0} tokens/s, {Answers} answers
        """);

    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.Report);

    public string ToHtml() => FramePage.Write(this);

    private static List<Frame> Frames(Game game, TimeSpan time, out double tokensPerSecond)
    {
        for (int i = 0; i < 60; i++) game.RunFrame();
        int first = game.FrameCount;
        long tokens = game.Tavern.Tokens, start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(start) < time) game.RunFrame();
        tokensPerSecond = (game.Tavern.Tokens - tokens) / System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
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
