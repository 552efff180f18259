using System.Globalization;
using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Planning;

/// <summary>Where a model's weights would be.</summary>
public enum PlannedPlace
{
    /// <summary>All in video memory.</summary>
    Gpu,
    /// <summary>
    /// Everything but the experts in video memory, and of those as many as it has room for: the processor computes the others at the same
    /// time.
    /// </summary>
    GpuAndMainMemory,
    /// <summary>Read into main memory; the processor computes.</summary>
    MainMemory,
    /// <summary>Used in place in the mapped file; the processor computes.</summary>
    MappedFile,
    /// <summary>Nowhere: loading would be refused.</summary>
    Nowhere,
}

/// <summary>What a plan may count on; null takes what the machine has.</summary>
public sealed record PlanBudget
{
    /// <summary>Video memory for the model, in bytes.</summary>
    public long? VideoMemoryBytes { get; init; }

    /// <summary>Main memory for the model, in bytes.</summary>
    public long? MainMemoryBytes { get; init; }

    /// <summary>Video memory for experts, in bytes, as <see cref="MixtralOptions.ExpertBudgetBytes"/>.</summary>
    public long? ExpertBudgetBytes { get; init; }

    /// <summary>Context in tokens, as <see cref="MixtralOptions.ContextLength"/>.</summary>
    public int? ContextLength { get; init; }

    /// <summary>How keys and values are stored.</summary>
    public KvFormat KvFormat { get; init; } = KvFormat.F16;
}

/// <summary>What loading a model on a machine would give, told before anything but its header is read. Sizes in bytes.</summary>
/// <param name="Place">Where the weights would be.</param>
/// <param name="ContextLength">Tokens of a conversation.</param>
/// <param name="ExpertBytes">Experts; 0 for a dense model.</param>
/// <param name="OtherWeightBytes">All other weights.</param>
/// <param name="KvCacheBytes">Keys and values of one whole context.</param>
/// <param name="WorkingBytes">About what intermediate results and loading need of a GPU's memory beside these.</param>
/// <param name="ExpertCount">Experts of all layers together.</param>
/// <param name="ResidentExperts">How many of them the video memory has room for, beside all other weights, the cache and intermediate
/// results.</param>
/// <param name="ResidentBytes">Their bytes.</param>
/// <param name="FileBytesPerToken">Weights a token reads from the file, on average, as main memory does not hold them.</param>
/// <param name="TokensPerSecond">
/// Decode speed as far as reading weights bounds it; null where the model cannot run or the speed of the GPU's memory is not known. Where
/// it shares the experts with the processor and its speed is not known, the processor's time alone.
/// </param>
/// <param name="LoadSeconds">Time to load; null where the model cannot run.</param>
/// <param name="Limit">One sentence: what keeps it from being better.</param>
public sealed record Plan(
    PlannedPlace Place, int ContextLength, long ExpertBytes, long OtherWeightBytes, long KvCacheBytes, long WorkingBytes, int ExpertCount,
    int ResidentExperts, long ResidentBytes,
    long FileBytesPerToken, double? TokensPerSecond, double? LoadSeconds, string Limit)
{
    /// <summary>Weights and KV cache.</summary>
    public long TotalBytes => ExpertBytes + OtherWeightBytes + KvCacheBytes;

    /// <summary>
    /// Plans for an opened model. A pure function: nothing is measured or allocated. Throws <see cref="ContextOverflowException"/> for a
    /// longer context than the model's.
    /// </summary>
    public static Plan For(ModelSource model, Machine machine, PlanBudget? budget = null)
    {
        budget ??= new PlanBudget();
        ArgumentOutOfRangeException.ThrowIfLessThan(budget.ContextLength ?? 1, 1, nameof(budget));
        ModelConfig config = model.Config;
        ModelSummary summary = model.Describe();
        int context = MixtralOptions.ContextLengthOf(budget.ContextLength, config);
        long kv = KvPages.PagesFor(context) * budget.KvFormat.PageBytes(config), other = summary.WeightBytes - summary.ExpertBytes;
        long video = budget.VideoMemoryBytes ?? machine.VideoMemoryBytes, main = budget.MainMemoryBytes ?? machine.MainMemoryBytes;
        int experts = config.LayerCount * config.ExpertCount;
        var usage = new MemoryUsage(summary.WeightBytes, kv);
        long working = CacheSize.WorkingBytes(config, Math.Min(new MixtralOptions().ChunkTokens, context));
        var plan = new Plan(PlannedPlace.Gpu, context, summary.ExpertBytes, other, kv, working, experts, experts, summary.ExpertBytes, 0,
            null, summary.WeightBytes / LoadRate(machine), "");
        if (plan.TotalBytes + working <= video && (experts == 0 || budget.ExpertBudgetBytes is null))
        {
            return machine.VideoBytesPerSecond is not double rate ? plan with { Limit = "Nothing: all of it fits video memory." }
                : plan with { TokensPerSecond = rate / summary.BytesPerToken,
                    Limit = $"The speed of video memory: each token reads {Size(summary.BytesPerToken)} of weights at {Size((long)rate)}/s." };
        }
        bool maps = WeightPlacement.Maps(model, MapMode.Auto, usage, main);
        long room = video - other - kv - working;
        if (experts > 0 && room >= 0 && (maps || summary.ExpertBytes <= main))
            return plan.Shared(model, summary, machine, budget.ExpertBudgetBytes ?? long.MaxValue, room, maps ? main : long.MaxValue);
        plan = plan with { ResidentExperts = 0, ResidentBytes = 0 };
        string whyNotGpu = video == 0
            ? "" : $"; {Size(video)} of video memory do not hold {(experts > 0 ? $"the {Size(other + kv + working)} needed beside the experts" : $"all {Size(plan.TotalBytes + working)}")}, so the processor computes";
        if (maps) return plan.Mapped(summary, machine, main, whyNotGpu);
        if (plan.TotalBytes > main)
            return plan with { Place = PlannedPlace.Nowhere, LoadSeconds = null,
                Limit = $"Main memory: {Size(main)} do not hold {Size(plan.TotalBytes)}; a packed file (mixtralvk pack) is used in place." };
        return plan with
        {
            Place = PlannedPlace.MainMemory,
            TokensPerSecond = machine.MemoryBytesPerSecond / summary.BytesPerToken,
            Limit = $"The speed of main memory: each token reads {Size(summary.BytesPerToken)} of weights at {Size((long)machine.MemoryBytesPerSecond)}/s{whyNotGpu}.",
        };
    }

    private Plan Mapped(ModelSummary summary, Machine machine, long main, string whyNotGpu)
    {
        double missing = MissingOf(summary.WeightBytes, main - KvCacheBytes);
        var fromFile = (long)(missing * summary.BytesPerToken);
        double seconds = summary.BytesPerToken / machine.MemoryBytesPerSecond + fromFile / machine.FileBytesPerSecond;
        return this with
        {
            Place = PlannedPlace.MappedFile,
            FileBytesPerToken = fromFile,
            TokensPerSecond = 1 / seconds,
            LoadSeconds = 0,
            Limit = fromFile == 0
                ? $"The speed of main memory: each token reads {Size(summary.BytesPerToken)} of weights at {Size((long)machine.MemoryBytesPerSecond)}/s{whyNotGpu}."
                : $"The speed of the file: main memory holds {1 - missing:P0} of the weights, so each token reads {Size(fromFile)} at {Size((long)machine.FileBytesPerSecond)}/s{whyNotGpu}.",
        };
    }

    /// <summary>
    /// Experts on both sides, in slots as loading makes them (<see cref="ExpertSettings.BytesFor"/>), chosen evenly. In a layer both sides
    /// work at the same time, so the slower one counts: over all numbers of hits that a token's choices may have.
    /// </summary>
    private Plan Shared(ModelSource model, ModelSummary summary, Machine machine, long budget, long room, long mapped)
    {
        ModelConfig config = model.Config;
        ExpertLayout[][] layouts = ExpertLayout.All(model);
        int[] slots = ExpertLayout.SlotsFor(layouts, Math.Min(budget, room - layouts.Max(layer => layer.Max(expert => expert.Bytes))));
        long resident = slots.Select((count, layer) => layouts[layer].Take(count).Sum(expert => expert.Bytes)).Sum();
        double missing = MissingOf(summary.ExpertBytes, mapped),
            main = 1 / machine.MemoryBytesPerSecond + missing / machine.FileBytesPerSecond, video = 1 / machine.VideoBytesPerSecond ?? 0;
        SharedSeconds sum = default;
        for (int layer = 0; layer < slots.Length; layer++)
        {
            double bytes = layouts[layer].Average(expert => expert.Bytes);
            sum += SharedSeconds.OfLayer(config.ExpertsPerToken, (double)slots[layer] / config.ExpertCount, bytes * video, bytes * main);
        }
        double chosen = summary.ExpertBytes / (double)config.ExpertCount * config.ExpertsPerToken,
            missed = chosen * (1 - slots.Sum() / (double)ExpertCount);
        double seconds = sum.Both + (summary.BytesPerToken - chosen) * video;
        string holds = $"video memory holds {slots.Sum()} of {ExpertCount} experts";
        return this with
        {
            Place = PlannedPlace.GpuAndMainMemory,
            ResidentExperts = slots.Sum(),
            ResidentBytes = resident,
            FileBytesPerToken = (long)(missed * missing),
            TokensPerSecond = seconds > 0 ? 1 / seconds : null,
            LoadSeconds = (mapped < long.MaxValue ? resident + OtherWeightBytes : summary.WeightBytes + resident) / LoadRate(machine),
            Limit = missed == 0 && machine.VideoBytesPerSecond is null ? "Nothing: all of it fits video memory."
                : sum.Processor < sum.Gpu
                ? $"The speed of video memory: {holds}, and the GPU takes longer for those than the processor for the others."
                : missing > 0 ? $"The speed of the file: {holds}, main memory {1 - missing:P0} of the others' bytes, so each token reads {Size((long)(missed * missing))} at {Size((long)machine.FileBytesPerSecond)}/s."
                : $"The speed of main memory: {holds}, so each token reads {Size((long)missed)} of the others at {Size((long)machine.MemoryBytesPerSecond)}/s.",
        };
    }

    private static double LoadRate(Machine machine) => machine.LoadBytesPerSecond ?? machine.FileBytesPerSecond;

    /// <summary>
    /// The part of mapped weights that memory does not hold: what it has is where the system keeps mapped pages, and all weights are taken
    /// to be used alike.
    /// </summary>
    private static double MissingOf(long weights, long memory) => Math.Clamp(1 - (double)memory / weights, 0, 1);

    private static string Size(long bytes) => bytes < 1 << 20
        ? $"{(bytes / 1024.0).ToString("0.#", CultureInfo.InvariantCulture)} KiB"
        : bytes < 1L << 30
            ? $"{(bytes / (double)(1 << 20)).ToString("0.#", CultureInfo.InvariantCulture)} MiB"
            : $"{(bytes / (double)(1L << 30)).ToString("0.##", CultureInfo.InvariantCulture)} GiB";
}
