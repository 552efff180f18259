using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Experts;

/// <summary>How a model is loaded whose experts need not all be on the device: the processor computes those that are not.</summary>
internal sealed record ExpertSettings
{
    /// <summary>Left for what is allocated after the weights: parts of split products, measurements.</summary>
    public const long Reserve = 64 << 20;

    /// <summary>Most bytes of the device's memory for experts; null takes what everything else leaves of its budget.</summary>
    public long? BudgetBytes { get; init; }

    /// <summary>Threads and arithmetic of the processor's part.</summary>
    public CpuOptions Cpu { get; init; } = new();

    /// <summary>Whether experts that are used often take the slots of those used little.</summary>
    public bool Moves { get; init; }

    /// <summary>Experts that are on the device first and stay.</summary>
    public IReadOnlyList<ExpertId> Pinned { get; init; } = [];

    /// <summary>What is known of the use of experts from before; counted on.</summary>
    public ExpertUse? Use { get; init; }

    /// <summary>Test hook: what the driver is taken to say of memory, see <see cref="ExpertBudget"/>.</summary>
    public Func<long?>? SpareMemory { get; init; }

    /// <summary>
    /// Test hook: whether an expert without a slot that so many rows of a prompt chose comes to the device for the step, see
    /// <see cref="ExpertGuests"/>.
    /// </summary>
    public Func<int, bool>? InvitesGuest { get; init; }

    /// <summary>
    /// Test hook: of so many experts that the device has and so many that it has not, how many of the former the processor computes, see
    /// <see cref="HitSharing"/>.
    /// </summary>
    public Func<int, int, int>? TakesHits { get; init; }

    /// <summary>Bytes for slots, where everything else is allocated; null where all experts fit and stay for good.</summary>
    public long? BytesFor(DeviceExperts experts, GpuDevice device)
    {
        long left = Math.Max(0, device.MemoryBudget - device.UsedMemory - Reserve);
        if (BudgetBytes is null && experts.AllBytes <= left) return null;
        if (Moves) left = Math.Max(0, left - experts.MostBytes); // one on its way lies beside the slots
        return Math.Min(BudgetBytes ?? long.MaxValue, left);
    }
}
