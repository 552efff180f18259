using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Tuning;

namespace MixtralVk;

/// <summary>A model's weights on the device they were loaded onto, with everything that must live as long.</summary>
internal sealed class LoadedDevice : IDisposable
{
    private readonly IDisposable[] _owned; // in the order of disposal

    private LoadedDevice(ForwardPass forwardPass, DeviceInfo info, params IDisposable[] owned)
    {
        ForwardPass = forwardPass;
        Info = info;
        _owned = [forwardPass, .. owned];
    }

    public ForwardPass ForwardPass { get; }

    public DeviceInfo Info { get; }

    public static LoadedDevice Load(
        ModelSource source, MixtralOptions options, MemoryUsage memory, int contextLength, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        long mainMemory = options.MainMemoryBytes ?? WeightPlacement.MainMemory;
        if (options.Device == DeviceKind.Cpu) return OnCpu("");
        bool insist = options.Device == DeviceKind.Vulkan || options.HostDevice is not null || options.AdapterIndex is not null || options.AdapterName is not null;
        try
        {
            return OnVulkan() ?? OnCpu("");
        }
        catch (GpuException problem) when (!insist && problem is not DeviceLostException)
        {
            return OnCpu(problem is NoVulkanException ? "" : $"; not on the GPU: {problem.Message}");
        }

        // Weights that end in main memory: mapped ones take none of it, others must fit.
        MappedTiles? InMainMemory()
        {
            if (memory.MappedBytes > 0) return source.Map();
            WeightPlacement.RefuseTooLarge(source, memory, mainMemory);
            return null;
        }

        LoadedDevice OnCpu(string remark)
        {
            var cpu = new CpuOptions
            {
                Threads = options.CpuThreads ?? 0, Arithmetic = options.CpuArithmetic, Priority = options.CpuThreadPriority, Affinity = options.CpuAffinity,
            };
            CpuForwardPass pass = CpuForwardPass.Load(
                source, InMainMemory(), contextLength, Math.Min(options.ChunkTokens, contextLength), options.KvFormat,
                CacheSize.Pages(options, source.Config, memory, contextLength, mainMemory), cpu, progress, cancellationToken);
            return new LoadedDevice(pass, new DeviceInfo(DeviceKind.Cpu, $"CPU, {options.CpuThreads ?? Environment.ProcessorCount} threads{remark}"));
        }

        LoadedDevice? OnVulkan()
        {
            var gpuOptions = new GpuOptions
            {
                Validation = options.EnableValidation,
                DebugNames = options.EnableDebugNames,
                OnMessage = options.OnValidationMessage ?? Console.Error.WriteLine,
                MemoryBudget = options.MemoryBudgetBytes,
                PipelineCacheDirectory = options.PipelineCacheDirectory,
            };
            GpuDevice? device = null;
            GpuInstance? instance = options.HostDevice is null ? GpuInstance.Create(gpuOptions) : null;
            try
            {
                if (options.HostDevice is { } host) device = GpuDevice.Wrap(host, VulkanForwardPass.Shaders, gpuOptions);
                else if (AdapterChoice.Choose(options, [.. instance!.Adapters.Select(a => a.Description)]) is >= 0 and int adapter)
                {
                    device = GpuDevice.Open(instance.Adapters[adapter], VulkanForwardPass.Shaders);
                }
                else
                {
                    instance.Dispose();
                    return null;
                }
                bool shares = DeviceChoices.SharesMemory(device.Description);
                MappedTiles? mapped = shares ? InMainMemory() : null;
                GpuDevice opened = device;
                int pageCount = CacheSize.Pages(options, source.Config, shares ? memory : memory with { MappedBytes = 0 }, contextLength, shares ? mainMemory : long.MaxValue);
                pageCount = Math.Min(pageCount, Math.Max(CacheSize.Least(options, contextLength), GpuKvCache.MostPages(device, source.Config, options.KvFormat)));
                int hostPages = shares && !options.IdleMemoryEverywhere ? 0 : (int)Math.Min(int.MaxValue / 2, options.IdleMemoryBytes / options.KvFormat.PageBytes(source.Config));
                VulkanForwardPass pass = VulkanForwardPass.Load(
                    source, device, mapped, contextLength, Math.Min(options.ChunkTokens, contextLength), options.KvFormat,
                    pageCount, hostPages, weights => Tuner.OnLoad(opened, weights, source.Config, options.PipelineCacheDirectory, cancellationToken), progress, cancellationToken);
                DeviceDescription description = device.Description;
                var info = new DeviceInfo(DeviceKind.Vulkan, $"{description.Name} (Vulkan, {description.Driver}{(instance is null ? ", the program's own device" : "")})");
                return new LoadedDevice(pass, info, instance is null ? [device] : [device, instance]);
            }
            catch
            {
                device?.Dispose();
                instance?.Dispose();
                throw;
            }
        }
    }

    public void Dispose()
    {
        foreach (IDisposable part in _owned) part.Dispose();
    }
}
