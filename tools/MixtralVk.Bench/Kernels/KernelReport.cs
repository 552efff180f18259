using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MixtralVk.Gpu;

namespace MixtralVk.Bench;

/// <summary>
/// What was found of one kernel at one shape in one variant. Times in seconds per dispatch; speeds and shares are 0 where it was not timed.
/// </summary>
internal sealed record KernelResult
{
    public required string Kernel { get; init; }
    public required string Shape { get; init; }
    public required string Variant { get; init; }
    /// <summary>"shipped" for the variant the engine runs by default.</summary>
    public required string Note { get; init; }
    /// <summary>File name of the user's shader that ran in the place of ours.</summary>
    public string? User { get; init; }
    /// <summary>Why it was not timed: what the reference says.</summary>
    public string? Problem { get; init; }
    /// <summary>Bytes the kernel must move.</summary>
    public required long Bytes { get; init; }
    /// <summary>Floating-point operations it must do.</summary>
    public required long Flops { get; init; }
    /// <summary>By timestamps.</summary>
    public Spread? Gpu { get; init; }
    /// <summary>CPU time of the process, where the driver runs on the CPU.</summary>
    public Spread? Cpu { get; init; }
    /// <summary>Copies of the weights that took turns.</summary>
    public int Copies { get; init; }
    /// <summary>Bytes of these copies together.</summary>
    public long WorkingSetBytes { get; init; }
    public double GBPerSecond { get; init; }
    public double GFlopPerSecond { get; init; }
    public double ShareOfCopy { get; init; }
    public double ShareOfFma { get; init; }

    [JsonIgnore]
    public double Seconds => (Cpu ?? Gpu)?.Median ?? double.PositiveInfinity;
}

/// <summary>The JSON of `kernels --json`.</summary>
/// <param name="Device">Name of the device.</param>
/// <param name="Driver">Name and version of its driver.</param>
/// <param name="Model">Whose shapes.</param>
/// <param name="TimedBy">What speeds are computed from: "GPU timestamps" or "CPU seconds".</param>
/// <param name="CacheBytes">The last-level cache that weights must not fit.</param>
/// <param name="CacheSource">Where that number comes from.</param>
/// <param name="CopyGBPerSecond">The device's measured bandwidth, read plus written.</param>
/// <param name="FmaGFlopPerSecond">The device's measured rate of fused multiply-adds.</param>
/// <param name="Kernels">The results.</param>
internal sealed record KernelReport(string Device, string Driver, string Model, string TimedBy, long CacheBytes, string CacheSource,
    double CopyGBPerSecond,
    double FmaGFlopPerSecond, IReadOnlyList<KernelResult> Kernels)
{
    public static KernelReport Of(KernelBench bench, ModelShape model, IReadOnlyList<KernelResult> results)
    {
        ArgumentNullException.ThrowIfNull(bench);
        DeviceDescription device = bench.Device.Description;
        Roofs roofs = bench.MeasureRoofs();
        return new KernelReport(device.Name, device.Driver, model.Name,
            device.Type == AdapterType.Software ? "CPU seconds" : "GPU timestamps", bench.Cache.Bytes, bench.Cache.Source,
            roofs.BytesPerSecond / 1e9, roofs.FlopsPerSecond / 1e9, results);
    }

    public string ToJson() => JsonSerializer.Serialize(this, KernelJson.Readable.KernelReport);
}

[JsonSerializable(typeof(KernelReport))]
internal sealed partial class KernelJson : JsonSerializerContext
{
    public static KernelJson Readable { get; } = new(new JsonSerializerOptions
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
