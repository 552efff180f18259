using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>What device and host hand each other where both compute experts. B = most tokens of a step, K = experts per token.</summary>
internal sealed class ExpertExchange : IDisposable
{
    /// <summary>Timestamps of a layer: its router is done, its experts begin, its experts are done.</summary>
    public const int Routed = 0, Begun = 1, Done = 2;

    private readonly int _choices;
    private readonly List<GpuTimer> _timers = [];

    public ExpertExchange(GpuDevice device, ModelConfig config, int maxBatchTokens)
    {
        _choices = maxBatchTokens * config.ExpertsPerToken;
        try
        {
            Ids = device.CreateBuffer((ulong)config.LayerCount * (ulong)_choices * sizeof(int), BufferUse.ReadBack, "expert ids read-back");
            Inputs = device.CreateBuffer((ulong)maxBatchTokens * (ulong)config.Dim * sizeof(float), BufferUse.ReadBack,
                "expert inputs read-back");
            Outputs = device.CreateBuffer((ulong)_choices * (ulong)config.Dim * sizeof(float), BufferUse.Parameters,
                "expert outputs of the host");
            for (int layer = 0; device.HasTimestamps && layer < config.LayerCount; layer++) _timers.Add(device.CreateTimer(3));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>int (layers, B, K): the router's choices.</summary>
    public GpuBuffer Ids { get; } = null!;

    /// <summary>(B, dim): what the experts of a layer multiply.</summary>
    public GpuBuffer Inputs { get; } = null!;

    /// <summary>(B, K, dim): outputs of the experts that the host computes.</summary>
    public GpuBuffer Outputs { get; } = null!;

    /// <summary>A layer's part of <see cref="Ids"/>.</summary>
    public BufferView IdsOf(int layer) => Ids.View.Slice((ulong)layer * (ulong)_choices * sizeof(int), (ulong)_choices * sizeof(int));

    /// <summary>A layer's timestamps; null on a device without.</summary>
    public GpuTimer? TimerOf(int layer) => _timers.Count == 0 ? null : _timers[layer];

    public void Dispose()
    {
        foreach (GpuTimer timer in _timers) timer.Dispose();
        Ids?.Dispose();
        Inputs?.Dispose();
        Outputs?.Dispose();
    }
}
