using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Model;

namespace MixtralVk;

/// <summary>How a model is loaded.</summary>
public sealed record MixtralOptions
{
    /// <summary>Context length taken where neither the options nor the model ask for less.</summary>
    public const int DefaultContextLength = 4096;

    /// <summary>Most threads that <see cref="CpuThreads"/> may ask for.</summary>
    public const int MaxCpuThreads = 512;

    /// <summary>Where to compute.</summary>
    public DeviceKind Device { get; init; } = DeviceKind.Auto;

    /// <summary>Vulkan adapter by its place in the list of adapters; null lets the engine choose.</summary>
    public int? AdapterIndex { get; init; }

    /// <summary>Vulkan adapter by a part of its name, case ignored; null lets the engine choose.</summary>
    public string? AdapterName { get; init; }

    /// <summary>
    /// The Vulkan device of the program around the model, made as <see cref="GpuDevice.Requirements(nint, nint)"/> says; it must outlive
    /// the model. Null: a device of the model's own, which the driver keeps apart from the program's.
    /// </summary>
    public HostDevice? HostDevice { get; init; }

    /// <summary>
    /// Longest conversation in tokens, no more than the model was made for; null takes the model's length, at most
    /// <see cref="DefaultContextLength"/>.
    /// </summary>
    public int? ContextLength { get; init; }

    /// <summary>
    /// Tokens whose keys and values all sessions of the model can hold together, common beginnings counted once; null takes what the
    /// weights leave of <see cref="MemoryBudgetBytes"/>, or without a budget room for one full conversation, the least there is. Beyond it
    /// idle sessions lose theirs, and they are computed again when these go on.
    /// </summary>
    public int? KvCacheTokens { get; init; }

    /// <summary>
    /// Main memory, in bytes, for the keys and values of idle sessions that the KV cache has no room for, on a device with memory of its
    /// own: they are copied there and back. Taken when the model is loaded. What it does not hold, and everything where the device shares
    /// the main memory, is computed again from the tokens.
    /// </summary>
    public long IdleMemoryBytes { get; init; }

    /// <summary>Prompt tokens computed in one step. More is faster and takes more memory; cancellation waits for part of a step.</summary>
    public int ChunkTokens { get; init; } = 128;

    /// <summary>Most tokens of one step that <see cref="ChunkTokens"/> may ask for.</summary>
    public const int MaxChunkTokens = 2048;

    /// <summary>How keys and values are stored.</summary>
    public KvFormat KvFormat { get; init; } = KvFormat.F16;

    /// <summary>Threads of the CPU path; null takes one per processor core.</summary>
    public int? CpuThreads { get; init; }

    /// <summary>What the CPU path multiplies quantised weights with.</summary>
    public CpuArithmetic CpuArithmetic { get; init; }

    /// <summary>
    /// Priority and processors of all threads that the engine starts: the model's own, those of the CPU path, and on Linux those of a
    /// Vulkan driver that computes on the processor. Null: below normal with <see cref="Pacing.PerFrame"/>, as the game comes first, else
    /// normal.
    /// </summary>
    public ThreadPlacement? ThreadPlacement { get; init; }

    /// <summary>When the model computes: whenever there is something to do, or within what each frame of a game grants.</summary>
    public Pacing Pacing { get; init; }

    /// <summary>Whether the weights of a packed model are mapped or read.</summary>
    public MapMode Map { get; init; }

    /// <summary>
    /// Most bytes to take, null for no limit of the engine's own. On the CPU it bounds weights that are not mapped and the KV cache; on a
    /// GPU all of its memory that the model takes, intermediate results (some MiB) included; experts that do not fit it are left to the
    /// processor.
    /// </summary>
    public long? MemoryBudgetBytes { get; init; }

    /// <summary>
    /// Most bytes of a GPU's memory for the experts of a mixture; null takes what all else leaves of <see cref="MemoryBudgetBytes"/>, or of
    /// the GPU. The processor computes the experts that find no room (0: all of them), from main memory or the mapped file, while the GPU
    /// computes the others.
    /// </summary>
    public long? ExpertBudgetBytes { get; init; }

    /// <summary>Whether experts move between GPU and main memory while the model runs, where the GPU does not hold all of them.</summary>
    public ExpertPlacement ExpertPlacement { get; init; }

    /// <summary>
    /// Experts that get video memory first and keep it, where the GPU does not hold all of them: `mixtralvk routing` shows which are used
    /// most.
    /// </summary>
    public IReadOnlyList<ExpertId> PinnedExperts { get; init; } = [];

    /// <summary>
    /// Folder where compiled pipelines and measured kernel variants (<see cref="ModelTuner"/>) are kept between runs; null keeps and
    /// measures none.
    /// </summary>
    public string? PipelineCacheDirectory { get; init; }

    /// <summary>Loads Vulkan's validation layer. Slow; for development.</summary>
    public bool EnableValidation { get; init; }

    /// <summary>Names Vulkan objects and labels dispatches, for frame captures. On with <see cref="EnableValidation"/>.</summary>
    public bool EnableDebugNames { get; init; }

    /// <summary>
    /// Receives the validation layer's messages, on the thread that caused them, in a call from the driver: what it throws ends the process.
    /// Null writes them to stderr.
    /// </summary>
    public Action<string>? OnValidationMessage { get; init; }

    /// <summary>Test hook: further settings of the device.</summary>
    internal Func<GpuOptions, GpuOptions>? WithGpuOptions { get; init; }

    /// <summary>Test hook: the main memory there is said to be.</summary>
    internal long? MainMemoryBytes { get; init; }

    /// <summary>Test hook: <see cref="IdleMemoryBytes"/> counts on every Vulkan device.</summary>
    internal bool IdleMemoryEverywhere { get; init; }

    /// <summary><see cref="ThreadPlacement"/>, or what stands for null.</summary>
    internal ThreadPlacement PlacementOfThreads =>
        ThreadPlacement ?? new ThreadPlacement(Pacing == Pacing.PerFrame ? ThreadPriority.BelowNormal : ThreadPriority.Normal);

    /// <summary>
    /// The length of context that an option stands for. Throws <see cref="ContextOverflowException"/> where it is more than the model was
    /// made for.
    /// </summary>
    internal static int ContextLengthOf(int? asked, ModelConfig config) =>
        asked > config.ContextLength ? throw ContextOverflowException.OfModel(asked.Value, config.ContextLength) : asked
            ?? Math.Min(DefaultContextLength, config.ContextLength);

    /// <summary>Throws <see cref="ArgumentException"/> naming the first option that is out of its range.</summary>
    public void Validate()
    {
        Known(Device, nameof(Device));
        Known(KvFormat, nameof(KvFormat));
        Known(CpuArithmetic, nameof(CpuArithmetic));
        Known(Pacing, nameof(Pacing));
        Known(Map, nameof(Map));
        Known(ExpertPlacement, nameof(ExpertPlacement));
        Known(PlacementOfThreads.Priority, nameof(ThreadPlacement));
        ArgumentNullException.ThrowIfNull(PinnedExperts);
        if (AdapterName is not null) ArgumentException.ThrowIfNullOrWhiteSpace(AdapterName);
        Positive(ContextLength, nameof(ContextLength));
        Positive(KvCacheTokens, nameof(KvCacheTokens));
        Positive(ChunkTokens, nameof(ChunkTokens));
        if (ChunkTokens > MaxChunkTokens)
            throw new ArgumentOutOfRangeException(nameof(ChunkTokens), ChunkTokens, $"ChunkTokens must be at most {MaxChunkTokens}.");
        if (PipelineCacheDirectory is not null && (PipelineCacheDirectory.Length == 0 || PipelineCacheDirectory.Contains('\0')))
            throw new ArgumentException("PipelineCacheDirectory must be a path.", nameof(PipelineCacheDirectory));
        Positive(CpuThreads, nameof(CpuThreads));
        if (CpuThreads > MaxCpuThreads)
            throw new ArgumentOutOfRangeException(nameof(CpuThreads), CpuThreads, $"CpuThreads must be at most {MaxCpuThreads}.");
        if (MemoryBudgetBytes <= 0)
            throw new ArgumentOutOfRangeException(nameof(MemoryBudgetBytes), MemoryBudgetBytes, "MemoryBudgetBytes must be at least 1.");
        if (HostDevice is not null && (Device == DeviceKind.Cpu || AdapterIndex is not null || AdapterName is not null))
            throw new ArgumentException(
                "HostDevice says where to compute: leave AdapterIndex, AdapterName and DeviceKind.Cpu out.", nameof(HostDevice));
        if (ExpertBudgetBytes is not null && Device == DeviceKind.Cpu)
            throw new ArgumentException("ExpertBudgetBytes is memory of a GPU: leave it or DeviceKind.Cpu out.", nameof(ExpertBudgetBytes));
        if (ExpertBudgetBytes < 0)
            throw new ArgumentOutOfRangeException(nameof(ExpertBudgetBytes), ExpertBudgetBytes, "ExpertBudgetBytes must be at least 0.");
        if (IdleMemoryBytes < 0)
            throw new ArgumentOutOfRangeException(nameof(IdleMemoryBytes), IdleMemoryBytes, "IdleMemoryBytes must be at least 0.");
        if (AdapterIndex < 0) throw new ArgumentOutOfRangeException(nameof(AdapterIndex), AdapterIndex, "AdapterIndex must be at least 0.");
    }

    private static void Known<T>(T value, string name) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    private static void Positive(int? value, string name)
    {
        if (value <= 0) throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");
    }
}
