using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Planning;

namespace MixtralVk.Cli.Commands;

/// <summary>`plan FILE --vram 6GiB`: where a model would run, how fast and what limits it, before it is loaded; with --run the real figures beside.</summary>
internal static class PlanCommand
{
    private const int RunTokens = 16;

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<long?> video = CommonOptions.Size("--vram", "Video memory for the model (what the largest GPU has free).");
        Option<long?> main = CommonOptions.Size("--ram", "Main memory for the model (the machine's).");
        Option<int?> context = CommonOptions.Context();
        var run = new Option<bool>("--run") { Description = "Load the model on the CPU and show the real figures beside." };
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("plan", "Predict where a model runs, its memory, speed and load time, and what limits it.") { file, video, main, context, run, json };
        command.SetAction((parsed, cancellation) =>
        {
            var budget = new PlanBudget { VideoMemoryBytes = parsed.GetValue(video), MainMemoryBytes = parsed.GetValue(main), ContextLength = parsed.GetValue(context) };
            return Task.Run(() => Run(parsed.GetRequiredValue(file), budget, parsed.GetValue(run), parsed.GetValue(json), cancellation), cancellation);
        });
        return command;
    }

    private static void Run(string file, PlanBudget budget, bool run, bool json, CancellationToken cancellation)
    {
        Machine machine = Machine.Measure(file, videoMemoryBytes: LargestVideoMemory());
        Plan plan;
        using (ModelSource source = ModelSource.Open(file)) plan = Plan.For(source, machine, budget);
        var report = new PlanReport(file, machine, plan, run ? Measure(file, plan, cancellation) : null);
        if (json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.PlanReport));
        else Print(report);
    }

    private static long LargestVideoMemory()
    {
        using GpuInstance? vulkan = Adapters.TryFind(out _);
        return (vulkan?.Adapters ?? []).Where(a => a.Description.Type != AdapterType.Software && a.Missing.Count == 0)
            .Select(a => a.FreeMemory() ?? DeviceChoices.DefaultBudget(a.Description)).DefaultIfEmpty(0).Max();
    }

    private static RealFigures Measure(string file, Plan plan, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        string map = plan.Place == PlannedPlace.MappedFile ? "always" : "never";
        using MixtralModel model = ModelLoading.Load(file, "cpu", plan.ContextLength, cancellation, map: map);
        double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int tokens = Math.Clamp(model.ContextLength - 1, 1, RunTokens);
        var bench = new DecodeBench(model.ForwardPass, promptTokens: 1, tokens);
        bench.Run(cancellation);
        return new RealFigures(load, tokens / bench.Run(cancellation).DecodeSeconds, model.Memory.WeightBytes, model.Memory.KvCacheBytes);
    }

    private static void Print(PlanReport report)
    {
        Plan plan = report.Plan;
        RealFigures? real = report.Real;
        Line("place", plan.Place switch
        {
            PlannedPlace.Gpu => "the GPU",
            PlannedPlace.MainMemory => "main memory; the CPU computes",
            PlannedPlace.MappedFile => "the mapped file; the CPU computes",
            PlannedPlace.Nowhere => "none",
        });
        Line("weights", Beside($"{Quantity.Bytes(plan.ExpertBytes + plan.OtherWeightBytes)}, {Quantity.Bytes(plan.ExpertBytes)} of it experts", real is null ? null : Quantity.Bytes(real.WeightBytes)));
        Line("KV cache", Beside($"{Quantity.Bytes(plan.KvCacheBytes)} for {plan.ContextLength} tokens", real is null ? null : Quantity.Bytes(real.KvCacheBytes)));
        if (plan.ExpertCount > 0) Line("experts", $"{plan.ResidentExperts} of {plan.ExpertCount} fit video memory");
        if (plan.TokensPerSecond is double speed) Line("tokens/s", Beside(Quantity.Number(speed), real is null ? null : Quantity.Number(real.TokensPerSecond)));
        if (plan.LoadSeconds is double load) Line("load", Beside($"{Seconds(load)}", real is null ? null : Seconds(real.LoadSeconds)));
        Line("limit", plan.Limit);
    }

    private static string Beside(string planned, string? real) => real is null ? planned : $"{planned} (really {real})";

    private static string Seconds(double seconds) => seconds.ToString("0.0 s", CultureInfo.InvariantCulture);

    private static void Line(string label, string text) => Console.Out.WriteLine($"{label,-13}{text}");
}

/// <summary>The JSON of `plan --json`; <paramref name="Real"/> with --run.</summary>
internal sealed record PlanReport(string File, Machine Machine, Plan Plan, RealFigures? Real);

/// <summary>What loading and decoding took on the CPU.</summary>
internal sealed record RealFigures(double LoadSeconds, double TokensPerSecond, long WeightBytes, long KvCacheBytes);
