using MixtralVk.Cpu;
using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Tuning;

namespace MixtralVk;

/// <summary>A model's weights on the device they were loaded onto, with everything that must live as long.</summary>
internal sealed class LoadedDevice : IDisposable
{
    private readonly string _path;
    private readonly (long Length, DateTime Written) _file;
    private readonly bool _maps;
    private MixtralOptions _options;
    private OpenedGpu? _gpu; // null on the CPU, and while there is none
    private DeviceInfo _info;
    private ExpertProfileSaving? _profile; // where experts move, and there is a folder to keep it

    private LoadedDevice(string path, MixtralOptions options, ForwardPass forwardPass, DeviceInfo info, OpenedGpu? gpu, bool maps)
    {
        (_path, _options, _gpu, _maps) = (path, options, gpu, maps);
        _file = FileState();
        ForwardPass = forwardPass;
        _info = info;
    }

    public ForwardPass ForwardPass { get; }

    /// <summary>What it is, and how many experts are there now. From any thread.</summary>
    public DeviceInfo Info
    {
        get
        {
            if (ForwardPass is not VulkanForwardPass { ResidentExperts: int resident }) return _info;
            int all = ForwardPass.Config.LayerCount * ForwardPass.Config.ExpertCount;
            return _info with { Description = $"{_info.Description}; {resident} of {all} experts there{(resident < all ? ", the CPU computes the others" : "")}" };
        }
    }

    /// <summary>True where the device is the host's.</summary>
    public bool IsHosts => _options.HostDevice is not null;

    public static LoadedDevice Load(
        ModelSource source, MixtralOptions options, ModelSummary summary, MemoryUsage memory, int contextLength,
        IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        long mainMemory = options.MainMemoryBytes ?? WeightPlacement.MainMemory;
        if (options.Device == DeviceKind.Cpu) return OnCpu("");
        bool insist = options.Device == DeviceKind.Vulkan || options.HostDevice is not null || options.AdapterIndex is not null
            || options.AdapterName is not null;
        try
        {
            return OnVulkan(out string passedOver) ?? OnCpu(passedOver);
        }
        catch (GpuException problem) when (!insist && problem is not DeviceLostException)
        {
            return OnCpu(problem is NoVulkanException ? "" : $"; not on the GPU: {problem.Message}");
        }

        // Weights that end in main memory: mapped ones take none of it, others must fit.
        MappedTiles? InMainMemory(MemoryUsage usage)
        {
            if (memory.MappedBytes > 0) return source.Map();
            WeightPlacement.RefuseTooLarge(source, usage, mainMemory);
            return null;
        }

        void RefuseBeyondBudget(long bytes)
        {
            if (bytes > options.MemoryBudgetBytes) throw new MemoryBudgetException(bytes, options.MemoryBudgetBytes.Value);
        }

        LoadedDevice OnCpu(string remark)
        {
            RefuseBeyondBudget(memory.TotalBytes);
            CpuForwardPass pass = CpuForwardPass.Load(
                source, InMainMemory(memory), contextLength, Math.Min(options.ChunkTokens, contextLength), options.KvFormat,
                CacheSize.Pages(options, source.Config, memory, contextLength, mainMemory), CpuOf(options), progress, cancellationToken);
            return new LoadedDevice(source.Path, options, pass, new DeviceInfo(DeviceKind.Cpu,
                $"CPU, {options.CpuThreads ?? Environment.ProcessorCount} threads{remark}"), null, memory.MappedBytes > 0);
        }

        LoadedDevice? OnVulkan(out string passedOver)
        {
            if (OpenedGpu.Open(options, out passedOver) is not { } gpu) return null;
            try
            {
                RefuseBeyondBudget(memory.TotalBytes - summary.ExpertBytes);
                bool shares = DeviceChoices.SharesMemory(gpu.Device.Description);
                // Of pages there are tables: what can never be is refused before these are made.
                GpuKvCache.RefuseTooLarge(gpu.Device, source.Config, options.KvFormat, CacheSize.Least(options, contextLength));
                long idleBytes = shares && !options.IdleMemoryEverywhere ? 0 : options.IdleMemoryBytes;
                if (idleBytes > mainMemory) throw new HostMemoryException(idleBytes, mainMemory, advice: "ask for less idle memory");
                long working = CacheSize.WorkingBytes(source.Config, Math.Min(options.ChunkTokens, contextLength));
                ExpertSettings? experts = source.Config.IsSparse && (options.ExpertBudgetBytes is not null
                    || memory.WeightBytes + memory.KvCacheBytes + working > gpu.Device.MemoryBudget)
                    ? SettingsOf(options, source.Config) : null;
                ExpertProfile? profile = experts is { Moves: true } && options.PipelineCacheDirectory is { } folder
                    ? new ExpertProfile(folder, source.Path, source.Config) : null;
                if (profile is not null) experts = experts! with { Use = profile.Read() };
                MappedTiles? mapped = shares ? InMainMemory(memory) : experts is not null
                    ? InMainMemory(new MemoryUsage(summary.ExpertBytes, 0)) : null;
                int pageCount = CacheSize.Pages(options, source.Config, shares ? memory : memory with { MappedBytes = 0 }, contextLength,
                    shares ? mainMemory : long.MaxValue);
                pageCount = Math.Min(pageCount, GpuKvCache.MostPages(gpu.Device, source.Config, options.KvFormat));
                int hostPages = (int)Math.Min(int.MaxValue / 2, idleBytes / options.KvFormat.PageBytes(source.Config));
                VulkanForwardPass pass = VulkanForwardPass.Load(
                    source, gpu.Device, mapped, contextLength, Math.Min(options.ChunkTokens, contextLength), options.KvFormat,
                    pageCount, hostPages, experts, weights => Tuner.OnLoad(gpu.Device, weights, source.Config,
                        options.PipelineCacheDirectory, cancellationToken), progress, cancellationToken);
                return new LoadedDevice(source.Path, options, pass, gpu.Info, gpu, mapped is not null)
                {
                    _profile = profile is not null && pass.ExpertUse is { } use
                        ? new ExpertProfileSaving(profile, use, ExpertProfileSaving.Period) : null,
                };
            }
            catch
            {
                gpu.Dispose();
                throw;
            }
        }
    }

    private static CpuOptions CpuOf(MixtralOptions options) => new()
    {
        Threads = options.CpuThreads ?? 0, Arithmetic = options.CpuArithmetic, Placement = options.PlacementOfThreads,
    };

    private static ExpertSettings SettingsOf(MixtralOptions options, ModelConfig config)
    {
        foreach (ExpertId id in options.PinnedExperts)
            if ((uint)id.Layer >= (uint)config.LayerCount || (uint)id.Expert >= (uint)config.ExpertCount)
                throw new ArgumentException(
                    $"PinnedExperts has expert {id.Expert} of layer {id.Layer}; the model has {config.ExpertCount} experts in each of {config.LayerCount} layers.", nameof(options));
        return new ExpertSettings
        {
            BudgetBytes = options.ExpertBudgetBytes, Cpu = CpuOf(options), Moves = options.ExpertPlacement == ExpertPlacement.FollowsUse,
            Pinned = options.PinnedExperts,
        };
    }

    /// <summary>Frees everything on the device, and the device where it is ours; it may be lost.</summary>
    public void Release()
    {
        if (_gpu is null) return;
        ((VulkanForwardPass)ForwardPass).Release();
        _gpu.Dispose();
        _gpu = null;
    }

    /// <summary>After <see cref="Release"/>: loads the model again, onto a new device of ours or onto <paramref name="host"/>'s.</summary>
    public void Reopen(HostDevice? host)
    {
        if (FileState() != _file) throw new ModelFileException(_path, "was changed since the model was loaded: load it anew.");
        if (host is not null) _options = _options with { HostDevice = host };
        using ModelSource source = ModelSource.Open(_path);
        OpenedGpu gpu = OpenedGpu.Open(_options, out _)
            ?? throw new NoVulkanException("The GPU is gone; load the model again to go on on the CPU.");
        try
        {
            MappedTiles? mapped = _maps ? source.Map() : null;
            var pass = (VulkanForwardPass)ForwardPass;
            pass.Rebuild(source, gpu.Device, mapped,
                weights => Tuner.OnLoad(gpu.Device, weights, source.Config, _options.PipelineCacheDirectory, default));
            _info = gpu.Info;
            _gpu = gpu;
        }
        catch
        {
            gpu.Dispose();
            throw;
        }
    }

    private (long, DateTime) FileState()
    {
        var file = new FileInfo(_path);
        return file.Exists ? (file.Length, file.LastWriteTimeUtc) : default;
    }

    public void Dispose()
    {
        _profile?.Dispose();
        ForwardPass.Dispose();
        _gpu?.Dispose();
    }
}
