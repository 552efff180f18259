using System.Runtime.InteropServices;
using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Loading;
using MixtralVk.Tuning;

namespace MixtralVk.Model.Vulkan;

/// <summary>How a pass gets everything onto a device, and off it.</summary>
public sealed partial class VulkanForwardPass
{
    /// <summary>
    /// Loads a model onto <paramref name="device"/>, which must outlive the pass.
    /// </summary>
    /// <param name="source">The opened model; may be closed afterwards.</param>
    /// <param name="device">The device.</param>
    /// <param name="contextLength">Longest sequence in tokens.</param>
    /// <param name="maxBatchTokens">Most tokens of one step.</param>
    /// <param name="kvFormat">Storage of keys and values.</param>
    /// <param name="pageCount">Pages of the KV cache, of 32 tokens each.</param>
    /// <param name="progress">Told after each piece of weights, on any thread.</param>
    /// <param name="cancellation">Stops loading and frees everything.</param>
    /// <exception cref="OutOfGpuMemoryException">The model does not fit the budget or the device.</exception>
    public static VulkanForwardPass Load(ModelSource source, GpuDevice device, int contextLength, int maxBatchTokens,
        KvFormat kvFormat, int pageCount,
        IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(device);
        return Load(source, device, contextLength, maxBatchTokens, kvFormat, pageCount, null, null, progress, cancellation);
    }

    /// <summary>
    /// The same with product variants of the caller's choice, made when the weights are on the device (null: the shipped ones), and with
    /// something to dispose after the pass has freed what it has on the device.
    /// </summary>
    internal static VulkanForwardPass Load(ModelSource source, GpuDevice device, int contextLength, int maxBatchTokens,
        KvFormat kvFormat, int pageCount,
        Func<GpuWeights, ProductChoices>? choose, IDisposable? owner = null, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellation = default) =>
        new(source, device, null, contextLength, maxBatchTokens, kvFormat, pageCount, 0, null, choose, owner, progress, cancellation);

    /// <summary>
    /// The same with the matrices in <paramref name="mapped"/> used in place where the device takes them; it belongs to the pass from now
    /// on. And with room for <paramref name="hostPageCount"/> pages of the KV cache in the host's memory. With <paramref name="experts"/>
    /// the processor computes those that find no room on the device; null: all must be there.
    /// </summary>
    internal static VulkanForwardPass Load(ModelSource source, GpuDevice device, MappedTiles? mapped, int contextLength,
        int maxBatchTokens, KvFormat kvFormat,
        int pageCount, int hostPageCount, ExpertSettings? experts, Func<GpuWeights, ProductChoices>? choose,
        IProgress<LoadProgress>? progress,
        CancellationToken cancellation) =>
        new(source, device, mapped, contextLength, maxBatchTokens, kvFormat, pageCount, hostPageCount, experts, choose, null,
            progress, cancellation);

    private VulkanForwardPass(ModelSource source, GpuDevice device, MappedTiles? mapped, int contextLength, int maxBatchTokens,
        KvFormat kvFormat, int pageCount, int hostPageCount,
        ExpertSettings? experts, Func<GpuWeights, ProductChoices>? choose, IDisposable? owner, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
        : base(source.Config, contextLength, maxBatchTokens, kvFormat, pageCount, hostPageCount)
    {
        _device = device;
        _hostPageCount = hostPageCount;
        _experts = source.Config.IsSparse ? experts : null;
        _use = experts?.Use ?? new ExpertUse(source.Config.LayerCount, Math.Max(1, source.Config.ExpertCount));
        try
        {
            Build(source, mapped, choose, progress, cancellation);
            _owner = owner;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Build(ModelSource source, MappedTiles? mapped, Func<GpuWeights, ProductChoices>? choose,
        IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        if (mapped is not null) Own(mapped);
        CheckKernelLimits();
        // Everything small and the KV cache first: what remains of the budget is for weights, and a lack shows before reading them.
        var parameters = Own(new StepParameters(_device, Config, MaxBatchTokens, ContextLength));
        var activations = Own(new Activations(_device, Config, MaxBatchTokens, ContextLength));
        var cache = Own(new GpuKvCache(_device, Config, KvFormat, Pages.PageCount));
        _hostPages = Own(new HostKvStore(_device, cache, Config, KvFormat, Pages.PageCount, _hostPageCount));
        var ropeTable =
            Own(_device.CreateBuffer((ulong)ContextLength * (ulong)Config.RopeDim * sizeof(float), BufferUse.Device, "rope table"));
        var weights = Own(GpuWeights.Reserve(_device, source, DeviceChoices.SharesMemory(_device.Description) ? mapped : null, _experts));
        ReadWeights(source, mapped, weights, progress, cancellation);
        ProductChoices products = choose?.Invoke(weights) ?? ProductChoices.Shipped(_device.Description);
        var scratch = ProductScratch.Of(weights, Config, products, MaxBatchTokens);
        GpuBuffer? parts = scratch.PartBytes > 0
            ? Own(_device.CreateBuffer(scratch.PartBytes, BufferUse.Device, "parts of split products")) : null;
        GpuBuffer? quants = scratch.QuantBytes > 0
            ? Own(_device.CreateBuffer(scratch.QuantBytes, BufferUse.Device, "rounded activations")) : null;
        _model = new ModelOnDevice(Config, KvFormat, weights, cache, activations, parameters, ropeTable, products, parts,
            quants, _store?.Exchange);
        FillConstants();
        _origin = OriginOf(weights, products);
        _recordings = Record(cancellation);
        _runs = Own(new SliceRuns(_device));
        if (_usesClock) _runs.UseDeviceClock();
    }

    /// <summary>The device's weights, then the processor's experts, then from these the experts in slots: told as one way.</summary>
    private void ReadWeights(ModelSource source, MappedTiles? mapped, GpuWeights weights, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        DeviceExperts experts = weights.Experts;
        long onHost = experts.AreShared && mapped is null ? experts.AllBytes : 0, inSlots = experts.AreShared ? experts.SlotBytes : 0;
        weights.Read(PartProgress.Of(progress, 0, onHost + inSlots), cancellation);
        Transfer = weights.Transfer;
        if (!experts.AreShared) return;
        long onDevice = Transfer.CopiedBytes;
        _store = Own(new ExpertStore(_device, experts, source, mapped, MaxBatchTokens, _experts!, _use,
            PartProgress.Of(progress, onDevice, inSlots), cancellation));
        Transfer = Transfer.Plus(_store.Fill(_device, PartProgress.Of(progress, onDevice + onHost, 0), cancellation));
    }

    private KvOrigin OriginOf(GpuWeights weights, ProductChoices products)
    {
        IEnumerable<string> orders = TunedProduct.Of(weights, Config)
            .Select(p => $"{p.Shape} {products.For(p.Shape, TokenClass.One).SummationOrder}").Order(StringComparer.Ordinal);
        string experts = _store is null
            ? "" : $"; {ResidentExperts} experts on the device, others {_experts!.Cpu.Arithmetic} on {Cpu.CpuForwardPass.Processor}";
        return new KvOrigin(KvFormat, KvOrigin.ThisEngine, _device.Description.Name, _device.Description.Driver,
            string.Join("; ", orders) + experts);
    }

    /// <summary>The RoPE table; and for a dense block the choice that never changes: expert 0 with weight 1.</summary>
    private void FillConstants()
    {
        Activations a = _model.Activations;
        using var uploader = new WeightUploader(_device);
        uploader.Run(
        [
            new Upload(_model.RopeTable.View, bytes => RopeTable.Fill(Config, MemoryMarshal.Cast<byte, float>(bytes)), "rope table"),
            new Upload(a.ExpertIds, bytes => bytes.Clear(), "expert ids"),
            new Upload(a.ExpertWeights, bytes => MemoryMarshal.Cast<byte, float>(bytes).Fill(1), "expert weights"),
        ], null, CancellationToken.None);
    }

    private void CheckKernelLimits()
    {
        if (Config.ExpertCount > RouterTopK.MaxExperts)
            throw new GpuModelException(
                $"The model has {Config.ExpertCount} experts per layer; at most {RouterTopK.MaxExperts} are supported on the GPU.");
        if (Config.HeadDim > AttentionSplit.SplitKeys)
            throw new GpuModelException(
                $"The model's heads are {Config.HeadDim} long; at most {AttentionSplit.SplitKeys} are supported on the GPU.");
    }

    private T Own<T>(T resource) where T : IDisposable
    {
        _owned.Add(resource);
        return resource;
    }

    /// <summary>
    /// Frees everything on the device, which may be lost; the pass stays, and computes again after <see cref="Rebuild"/>.
    /// </summary>
    internal void Release()
    {
        _device.WaitIdle();
        _recordings?.Dispose();
        _recordings = null;
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
        _batch = null;
        _outputCount = 0;
    }

    /// <summary>
    /// Loads the model again, onto another device; what the pages held is gone. A failure leaves nothing on the device and may be followed
    /// by another try.
    /// </summary>
    internal void Rebuild(ModelSource source, GpuDevice device, MappedTiles? mapped, Func<GpuWeights, ProductChoices>? choose)
    {
        _device = device;
        try
        {
            Build(source, mapped, choose, null, CancellationToken.None);
        }
        catch
        {
            Release();
            throw;
        }
    }
}
