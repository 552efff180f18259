namespace MixtralVk.Gpu;

/// <summary>Settings of an instance and the devices made from it.</summary>
public sealed record GpuOptions
{
    /// <summary>Loads the Khronos validation layer with synchronisation validation; its messages go to <see cref="OnMessage"/>.</summary>
    public bool Validation { get; init; }

    /// <summary>With <see cref="Validation"/>: also checks every shader access on the device (GPU-assisted validation). Slow.</summary>
    public bool GpuAssistedValidation { get; init; }

    /// <summary>
    /// Names Vulkan objects and labels dispatches for frame captures (VK_EXT_debug_utils). On with <see cref="Validation"/>.
    /// </summary>
    public bool DebugNames { get; init; }

    /// <summary>Receives each warning and error of the validation layer, on the thread that caused it.</summary>
    public Action<string>? OnMessage { get; init; }

    /// <summary>Treats the device as if it had at most these limits.</summary>
    public DeviceLimits? LimitTo { get; init; }

    /// <summary>Most bytes of device memory to take; null: <see cref="DeviceChoices.DefaultBudget"/>.</summary>
    public long? MemoryBudget { get; init; }

    /// <summary>Folder of the pipeline cache; null: nothing is kept on disk.</summary>
    public string? PipelineCacheDirectory { get; init; }

    /// <summary>
    /// For <see cref="CompilerOutput"/>: pipelines keep what the compiler says of them, and the device has neither memory nor a queue, as a
    /// driver without its GPU has none. The driver must have VK_KHR_pipeline_executable_properties.
    /// </summary>
    internal bool CompileOnly { get; init; }

    /// <summary>Test hook: refuses the n-th and later memory allocations (counted from 0) as if the device were full.</summary>
    internal int FailAllocationsFrom { get; init; } = int.MaxValue;

    /// <summary>Test hook: refuses the n-th and later imports of the host's memory (counted from 0) as several drivers do.</summary>
    internal int FailImportsFrom { get; init; } = int.MaxValue;

    /// <summary>Test hook: device memory is written through staging also where the device shares the host's, as on a card.</summary>
    internal bool StagesUploads { get; init; }

    /// <summary>
    /// Test hook: gets the name and the address of each Vulkan command and gives the address to call: how a device is lost or memory runs
    /// out.
    /// </summary>
    internal Func<string, nint, nint>? ReplaceCommand { get; init; }

    /// <summary>Test hook: replays what is submitted and looks for hazards.</summary>
    internal HazardReplay? Replay { get; init; }
}
