using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Planning;

namespace MixtralVk.Cli.Commands;

/// <summary>
/// `plan FILE --vram 6GiB`: where a model would run, how fast and what limits it, before it is loaded; with --run the real figures beside.
/// </summary>
internal static class PlanCommand
{
    private const int RunTokens = 16;

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<long?> video = CommonOptions.Size("--vram", "Video memory for the model (what the largest GPU has free).");
        Option<long?> main = CommonOptions.Size("--ram", "Main memory for the model (the machine's).");
        Option<int?> context = CommonOptions.Context();
        Option<string> device = CommonOptions.Device();
        Option<ExpertShare?> experts = CommonOptions.ExpertsOnGpu();
        var run = new Option<bool>("--run") { Description = "Load the model and show the real figures beside." };
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("plan", "Predict where a model runs, its memory, speed and load time, and what limits it.")
            { file, video, main, context, device, experts, run, json };
        command.SetAction((parsed, cancellation) =>
        {
            string path = parsed.GetRequiredValue(file);
            var budget = new PlanBudget
            {
                VideoMemoryBytes = parsed.GetValue(video), MainMemoryBytes = parsed.GetValue(main),
                ExpertBudgetBytes = parsed.GetValue(experts)?.BytesOf(path), ContextLength = parsed.GetValue(context),
            };
            return Task.Run(() => Run(path, budget, parsed.GetRequiredValue(device), parsed.GetValue(run), parsed.GetValue(json),
                cancellation), cancellation);
        });
        return command;
    }

    private static void Run(string file, PlanBudget budget, string device, bool run, bool json, CancellationToken cancellation)
    {
        if (device == "cpu" && (budget.VideoMemoryBytes ?? budget.ExpertBudgetBytes) is not null)
            throw new MixtralException(
                "--vram and --experts-on-gpu are memory of a GPU, and --device cpu uses none: leave one or the other out.");
        Machine machine = Machine.Measure(file);
        if (device != "cpu" && LargestGpu(withSoftware: device == "vulkan") is { } gpu)
            machine = machine with { VideoMemoryBytes = gpu.Bytes, VideoBytesPerSecond = gpu.BytesPerSecond };
        Plan plan;
        using (ModelSource source = ModelSource.Open(file))
        {
            plan = Plan.For(source, machine, budget);
            if (budget.ExpertBudgetBytes is not null)
                ExpertShare.TellWhereUnused(source.Config.IsSparse, isOnGpu: plan.Place is PlannedPlace.Gpu or PlannedPlace.GpuAndMainMemory);
        }
        var report = new PlanReport(file, machine, plan, run ? Measure(file, plan, device, cancellation) : null);
        if (json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.PlanReport));
        else Print(report);
    }

    /// <summary>Memory of the GPU that has most, and how fast it reads it; null where there is none.</summary>
    private static (long Bytes, double BytesPerSecond)? LargestGpu(bool withSoftware)
    {
        using GpuInstance? vulkan = Adapters.TryFind(out _);
        GpuAdapter? largest = (vulkan?.Adapters ?? [])
            .Where(a => (withSoftware || a.Description.Type != AdapterType.Software) && a.Missing.Count == 0).MaxBy(BytesOf);
        if (largest is null) return null;
        using GpuDevice device = GpuDevice.Open(largest, VulkanForwardPass.Shaders);
        return (BytesOf(largest), Machine.MeasureVideo(device));

        static long BytesOf(GpuAdapter adapter) => adapter.FreeMemory() ?? DeviceChoices.DefaultBudget(adapter.Description);
    }

    private static RealFigures Measure(string file, Plan plan, string device, CancellationToken cancellation)
    {
        bool onGpu = plan.Place is PlannedPlace.Gpu or PlannedPlace.GpuAndMainMemory && device != "cpu";
        ExpertShare? experts = onGpu && plan.Place == PlannedPlace.GpuAndMainMemory ? new ExpertShare(plan.ResidentBytes, null) : null;
        string map = plan.Place == PlannedPlace.MappedFile ? "always" : plan.Place == PlannedPlace.GpuAndMainMemory ? "auto" : "never";
        long start = Stopwatch.GetTimestamp();
        using MixtralModel model =
            ModelLoading.Load(file, onGpu ? device : "cpu", plan.ContextLength, cancellation, map: map, expertsOnGpu: experts);
        double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int tokens = Math.Clamp(model.ContextLength - 1, 1, RunTokens);
        var bench = new DecodeBench(model.ForwardPass, promptTokens: 1, tokens);
        bench.Run(cancellation);
        return new RealFigures(model.Device.Description, load, tokens / bench.Run(cancellation).DecodeSeconds, model.Memory.WeightBytes,
            model.Memory.KvCacheBytes,
            (model.ForwardPass as VulkanForwardPass)?.ResidentExperts ?? (model.Device.Kind == DeviceKind.Vulkan ? plan.ExpertCount : 0));
    }

    private static void Print(PlanReport report)
    {
        Plan plan = report.Plan;
        RealFigures? real = report.Real;
        Line("place", plan.Place switch
        {
            PlannedPlace.Gpu => "the GPU",
            PlannedPlace.GpuAndMainMemory => "the GPU; the CPU computes the experts that find no room there",
            PlannedPlace.MainMemory => "main memory; the CPU computes",
            PlannedPlace.MappedFile => "the mapped file; the CPU computes",
            PlannedPlace.Nowhere => "none",
        });
        if (real is not null) Line("really", real.Device);
        bool shares = plan.Place == PlannedPlace.GpuAndMainMemory;
        Line("weights",
            Beside($"{Quantity.Bytes(plan.ExpertBytes + plan.OtherWeightBytes)}, {Quantity.Bytes(plan.ExpertBytes)} of it experts",
            real is null || shares ? null : Quantity.Bytes(real.WeightBytes)));
        Line("KV cache", Beside($"{Quantity.Bytes(plan.KvCacheBytes)} for {plan.ContextLength} tokens",
            real is null ? null : Quantity.Bytes(real.KvCacheBytes)));
        if (shares) Line("on the GPU", Beside($"{Quantity.Bytes(plan.OtherWeightBytes + plan.ResidentBytes + plan.KvCacheBytes)}",
            real is null ? null : Quantity.Bytes(real.WeightBytes + real.KvCacheBytes)));
        if (plan.Place is PlannedPlace.Gpu or PlannedPlace.GpuAndMainMemory)
            Line("", $"about {Quantity.Bytes(plan.WorkingBytes)} more for intermediate results and loading");
        if (plan.ExpertCount > 0)
            Line("experts", Beside($"{plan.ResidentExperts} of {plan.ExpertCount} fit video memory",
                real is null || !shares ? null : $"{real.ResidentExperts}"));
        if (plan.Place != PlannedPlace.Nowhere)
            Line("tokens/s", Beside(plan.TokensPerSecond is double speed
                ? $"at most {Quantity.Number(speed)}" : "not known, as no GPU was measured",
                real is null ? null : Quantity.Number(real.TokensPerSecond)));
        if (plan.LoadSeconds is double load) Line("load", Beside($"{Seconds(load)}", real is null ? null : Seconds(real.LoadSeconds)));
        Line("limit", plan.Limit);
    }

    private static string Beside(string planned, string? real) => real is null ? planned : $"{planned} (really {real})";

    private static string Seconds(double seconds) => seconds.ToString("0.0 s", CultureInfo.InvariantCulture);

    private static void Line(string label, string text) => Console.Out.WriteLine($"{label,-13}{text}");
}

/// <summary>The JSON of `plan --json`; <paramref name="Real"/> with --run.</summary>
internal sealed record PlanReport(string File, Machine Machine, Plan Plan, RealFigures? Real);

/// <summary>What loading and decoding took. Weights on the device; <paramref name="ResidentExperts"/> those of them on a GPU.</summary>
internal sealed record RealFigures(string Device, double LoadSeconds, double TokensPerSecond, long WeightBytes, long KvCacheBytes,
    int ResidentExperts);
