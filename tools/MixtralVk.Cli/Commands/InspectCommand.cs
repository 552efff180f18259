using System.CommandLine;
using System.Text.Json;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cli.Commands;

/// <summary>`inspect FILE`: what a model file holds, the memory it needs and where on this machine it fits.</summary>
internal static class InspectCommand
{
    private const string MainMemory = "CPU";

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("inspect", "Show a model's sizes, the memory it needs and where on this machine it fits.") { file, json };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetValue(json)));
        return command;
    }

    private static void Run(string file, bool json)
    {
        using ModelSource source = ModelSource.Open(file);
        InspectReport report = Report(source);
        if (json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.InspectReport));
        else Print(report);
    }

    private static InspectReport Report(ModelSource source)
    {
        ModelConfig config = source.Config;
        ModelSummary summary = source.Describe();
        long kvBytesPerToken = 2L * config.LayerCount * config.KvDim * sizeof(ushort);
        return new InspectReport(
            source.Path, summary.Architecture, config, summary.FileBytes, summary.Types, summary.WeightBytes, summary.ExpertBytes,
            summary.BytesPerToken, kvBytesPerToken, summary.WeightBytes + kvBytesPerToken * config.ContextLength,
            [.. Memories().Select(memory => Fit(memory, source, summary, kvBytesPerToken))]);
    }

    /// <summary>Every memory a model could be loaded into: the machine's own, then that of each GPU.</summary>
    private static IEnumerable<(string Name, long Bytes)> Memories()
    {
        yield return (MainMemory, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        using GpuInstance? vulkan = Adapters.TryFind(out _);
        foreach (GpuAdapter adapter in vulkan?.Adapters ?? [])
            if (adapter.Description.Type != AdapterType.Software && adapter.Missing.Count == 0)
                yield return (adapter.Description.Name, adapter.FreeMemory() ?? DeviceChoices.DefaultBudget(adapter.Description));
    }

    private static FitReport Fit((string Name, long Bytes) memory, ModelSource source, ModelSummary summary, long kvBytesPerToken)
    {
        long left = memory.Bytes - summary.WeightBytes;
        return new FitReport(memory.Name, memory.Bytes, left >= kvBytesPerToken,
            (int)Math.Clamp(left / kvBytesPerToken, 0, source.Config.ContextLength),
            Mapped: memory.Name == MainMemory && source.CanMap);
    }

    private static void Print(InspectReport report)
    {
        ModelConfig config = report.Config;
        Line("file", $"{report.File} ({Quantity.Bytes(report.FileBytes)})");
        // A stranger's text: no control characters reach the terminal.
        if (config.Name.Length > 0) Line("name", string.Concat(config.Name.Select(c => char.IsControl(c) ? '?' : c)));
        Line("architecture",
            $"{report.Architecture}, {(config.IsSparse ? $"{config.ExpertCount} experts, {config.ExpertsPerToken} per token" : "dense")}");
        Line("layers", $"{config.LayerCount} of dim {config.Dim}, {(config.IsSparse ? "expert hidden" : "hidden")} {config.HiddenDim}");
        Line("attention",
            $"{config.HeadCount} heads of {config.HeadDim}, {config.KvHeadCount} key/value heads, RoPE base {config.RopeBase:0.###}");
        Line("vocabulary", $"{config.VocabSize} tokens");
        Line("context", $"{config.ContextLength} tokens");
        for (int i = 0; i < report.Types.Count; i++)
            Line(i == 0 ? "types"
                : "", $"{report.Types[i].Type}: {report.Types[i].Count} tensors, {Quantity.Bytes(report.Types[i].Bytes)}");
        Line("weights",
            $"{Quantity.Bytes(report.WeightBytes)}, {Quantity.Bytes(report.ExpertBytes)} of it experts; {Quantity.Bytes(report.WeightBytesPerToken)} read per token");
        Line("KV cache", $"{Quantity.Bytes(report.KvBytesPerToken)} per token (f16)");
        Line("needs", $"{Quantity.Bytes(report.BytesNeeded)} with the whole context");
        foreach (FitReport memory in report.Memories)
            Line(memory == report.Memories[0] ? "fits" : "", $"{memory.Device}, {Quantity.Bytes(memory.Bytes)}: {Verdict(memory, config)}");
    }

    private static string Verdict(FitReport memory, ModelConfig config) =>
        !memory.Fits ? memory.Mapped ? "mapped from the file" : "no"
            : memory.ContextTokens == config.ContextLength ? "yes" : $"with a context of {memory.ContextTokens} tokens";

    private static void Line(string label, string text) => Console.Out.WriteLine($"{label,-13}{text}");
}

/// <summary>The JSON of `inspect --json`. Sizes in bytes.</summary>
internal sealed record InspectReport(
    string File, string Architecture, ModelConfig Config, long FileBytes, IReadOnlyList<TensorTypeCount> Types,
    long WeightBytes, long ExpertBytes,
    long WeightBytesPerToken, long KvBytesPerToken, long BytesNeeded, IReadOnlyList<FitReport> Memories);

/// <summary>
/// Whether a model fits a memory of this machine, and how much context with it; <paramref name="Mapped"/>: one that does not is used from
/// the file.
/// </summary>
internal sealed record FitReport(string Device, long Bytes, bool Fits, int ContextTokens, bool Mapped);
