using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// The intermediate results of a step, floats unless said otherwise. B = most tokens of a step, K = experts per token (1 for a dense
/// block).
/// </summary>
internal sealed class Activations : IDisposable
{
    private readonly GpuDevice _device;
    private readonly List<GpuBuffer> _buffers = [];

    public Activations(GpuDevice device, ModelConfig config, int maxBatchTokens, int contextLength)
    {
        _device = device;
        int b = maxBatchTokens, k = Math.Max(1, config.ExpertsPerToken), experts = Math.Max(1, config.ExpertCount);
        int qkv = config.QueryDim + 2 * config.KvDim;
        try
        {
            Residual = Floats(b * (long)config.Dim, "residual");
            Normed = Floats(b * (long)config.Dim, "normed");
            Qkv = Floats(b * (long)qkv, "q, k, v");
            Attended = Floats(b * (long)config.QueryDim, "attention output");
            OutputResidual = Floats(b * (long)config.Dim, "residual of wanted rows");
            OutputQueries = Floats(b * (long)config.QueryDim, "queries of wanted rows");
            MaxSplits = AttentionSplit.SplitsOf((uint)contextLength);
            uint splitRows = AttentionPlan.SplitRows(config, MaxSplits);
            Partials = Floats((long)AttentionSplit.PartialBytes(splitRows, (uint)config.HeadCount, MaxSplits, (uint)config.HeadDim) / 4,
                "attention partials");
            ExpertIds = Floats((long)b * k, "expert ids");
            ExpertWeights = Floats((long)b * k, "expert weights");
            Groups = Floats((long)GroupTokens.GroupBytes((uint)experts) / 4, "expert groups");
            Entries = Floats((long)b * k, "expert entries");
            Arguments = Floats((long)GroupTokens.ArgumentBytes((uint)experts) / 4, "expert dispatch sizes");
            Hidden = Floats((long)b * k * config.HiddenDim, "expert hidden");
            HiddenUp = Floats((long)b * k * config.HiddenDim, "expert hidden, up");
            ExpertOutput = Floats((long)b * k * config.Dim, "expert output");
            Logits = Floats((long)b * config.VocabSize, "logits");
            Status = Floats(1, "status");
            LogitsReadBack = ReadBack((long)b * config.VocabSize * 4, "logits read-back");
            HiddenReadBack = ReadBack((long)b * config.Dim * 4, "hidden state read-back");
            StatusReadBack = ReadBack(4, "status read-back");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>(B, dim): the residual stream.</summary>
    public BufferView Residual { get; }

    /// <summary>(B, dim): the residual stream after RMSNorm.</summary>
    public BufferView Normed { get; }

    /// <summary>(B, queryDim + 2 kvDim): queries, keys, values side by side.</summary>
    public BufferView Qkv { get; }

    /// <summary>(B, queryDim): output of attention before its projection.</summary>
    public BufferView Attended { get; }

    /// <summary>(B, dim): residual stream of the wanted rows, in the last layer.</summary>
    public BufferView OutputResidual { get; }

    /// <summary>(B, queryDim): the same for the queries.</summary>
    public BufferView OutputQueries { get; }

    /// <summary>(<see cref="AttentionPlan.SplitRows"/>, heads, <see cref="MaxSplits"/>, headDim + 2).</summary>
    public BufferView Partials { get; }

    /// <summary>Splits of the longest context.</summary>
    public uint MaxSplits { get; }

    /// <summary>uint (B, K).</summary>
    public BufferView ExpertIds { get; }

    /// <summary>(B, K): softmax over the chosen experts.</summary>
    public BufferView ExpertWeights { get; }

    /// <summary>uint2 (slots): count and offset of the entries of the expert in each slot.</summary>
    public BufferView Groups { get; }

    /// <summary>uint (B K): entries (token * K + choice) in order of expert.</summary>
    public BufferView Entries { get; }

    /// <summary>Sizes of the expert dispatches.</summary>
    public BufferView Arguments { get; }

    /// <summary>(B K, hidden): SwiGLU output by entry.</summary>
    public BufferView Hidden { get; }

    /// <summary>(B K, hidden): the up projection where it cannot be fused.</summary>
    public BufferView HiddenUp { get; }

    /// <summary>(B K, dim): output of the down projection by entry.</summary>
    public BufferView ExpertOutput { get; }

    /// <summary>(B, vocab).</summary>
    public BufferView Logits { get; }

    /// <summary>uint: lowest site that was not finite.</summary>
    public BufferView Status { get; }

    /// <summary>Host's copy of <see cref="Logits"/>.</summary>
    public GpuBuffer LogitsReadBack { get; }

    /// <summary>Host's copy of <see cref="Normed"/>, of the steps in which it is asked for.</summary>
    public GpuBuffer HiddenReadBack { get; }

    /// <summary>Host's copy of <see cref="Status"/>.</summary>
    public GpuBuffer StatusReadBack { get; }

    private BufferView Floats(long count, string name)
    {
        GpuBuffer buffer = _device.CreateBuffer((ulong)count * 4, BufferUse.Device, name);
        _buffers.Add(buffer);
        if (buffer.Size > _device.Limits.MaxStorageBufferRange)
            throw new GpuModelException(
                $"A step of so many tokens needs {buffer.Size >> 20} MiB for its {name}, but this device binds at most {_device.Limits.MaxStorageBufferRange >> 20} MiB; use smaller chunks.");
        return buffer.View;
    }

    private GpuBuffer ReadBack(long bytes, string name)
    {
        GpuBuffer buffer = _device.CreateBuffer((ulong)bytes, BufferUse.ReadBack, name);
        _buffers.Add(buffer);
        return buffer;
    }

    public void Dispose()
    {
        foreach (GpuBuffer buffer in _buffers) buffer.Dispose();
    }
}
