using System.Globalization;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Planning;

/// <summary>Where a model's weights would be.</summary>
public enum PlannedPlace
{
    /// <summary>All in video memory.</summary>
    Gpu,
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
/// <param name="ExpertCount">Experts of all layers together.</param>
/// <param name="ResidentExperts">How many of them the video memory has room for, beside all other weights and the cache.</param>
/// <param name="FileBytesPerToken">Weights a token reads from the file, on average, as main memory does not hold them.</param>
/// <param name="TokensPerSecond">Decode speed; null on a GPU, whose memory's speed only `bench` tells, and where the model cannot run.</param>
/// <param name="LoadSeconds">Time to load; null likewise.</param>
/// <param name="Limit">One sentence: what keeps it from being better.</param>
public sealed record Plan(
    PlannedPlace Place, int ContextLength, long ExpertBytes, long OtherWeightBytes, long KvCacheBytes, int ExpertCount, int ResidentExperts, long FileBytesPerToken,
    double? TokensPerSecond, double? LoadSeconds, string Limit)
{
    /// <summary>Weights and KV cache.</summary>
    public long TotalBytes => ExpertBytes + OtherWeightBytes + KvCacheBytes;

    /// <summary>Plans for an opened model. A pure function: nothing is measured or allocated.</summary>
    public static Plan For(ModelSource model, Machine machine, PlanBudget? budget = null)
    {
        budget ??= new PlanBudget();
        ArgumentOutOfRangeException.ThrowIfLessThan(budget.ContextLength ?? 1, 1, nameof(budget));
        ModelConfig config = model.Config;
        ModelSummary summary = model.Describe();
        int context = Math.Min(budget.ContextLength ?? MixtralOptions.DefaultContextLength, config.ContextLength);
        long kv = KvPages.PagesFor(context) * budget.KvFormat.PageBytes(config), other = summary.WeightBytes - summary.ExpertBytes;
        long video = budget.VideoMemoryBytes ?? machine.VideoMemoryBytes, main = budget.MainMemoryBytes ?? machine.MainMemoryBytes;
        int experts = config.LayerCount * config.ExpertCount;
        int resident = experts == 0 ? 0 : (int)Math.Clamp((video - other - kv) / (summary.ExpertBytes / experts), 0, experts);
        var usage = new MemoryUsage(summary.WeightBytes, kv);
        var plan = new Plan(PlannedPlace.Gpu, context, summary.ExpertBytes, other, kv, experts, resident, 0, null, null, "Nothing: all of it fits video memory.");
        if (plan.TotalBytes <= video) return plan;
        string whyNotGpu = video == 0 ? "" : $"; {Size(video)} of video memory do not hold all {Size(plan.TotalBytes)}, so the processor computes";
        if (WeightPlacement.Maps(model, MapMode.Auto, usage, main)) return plan.Mapped(summary, machine, main, whyNotGpu);
        if (plan.TotalBytes > main)
            return plan with { Place = PlannedPlace.Nowhere, Limit = $"Main memory: {Size(main)} do not hold {Size(plan.TotalBytes)}; a packed file (mixtralvk pack) is used in place." };
        return plan with
        {
            Place = PlannedPlace.MainMemory,
            TokensPerSecond = machine.MemoryBytesPerSecond / summary.BytesPerToken,
            LoadSeconds = summary.FileBytes / machine.FileBytesPerSecond,
            Limit = $"The speed of main memory: each token reads {Size(summary.BytesPerToken)} of weights at {Size((long)machine.MemoryBytesPerSecond)}/s{whyNotGpu}.",
        };
    }

    private Plan Mapped(ModelSummary summary, Machine machine, long main, string whyNotGpu)
    {
        // What the cache and the rest of the weights leave is where the system keeps mapped pages; all weights are taken to be used alike.
        double missing = Math.Clamp(1 - (double)(main - KvCacheBytes) / summary.WeightBytes, 0, 1);
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

    private static string Size(long bytes) => bytes < 1 << 20
        ? $"{(bytes / 1024.0).ToString("0.#", CultureInfo.InvariantCulture)} KiB"
        : bytes < 1L << 30
            ? $"{(bytes / (double)(1 << 20)).ToString("0.#", CultureInfo.InvariantCulture)} MiB"
            : $"{(bytes / (double)(1L << 30)).ToString("0.##", CultureInfo.InvariantCulture)} GiB";
}
