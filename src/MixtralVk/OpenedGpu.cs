using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;

namespace MixtralVk;

/// <summary>A Vulkan device as the options ask for it, with what must live as long.</summary>
internal sealed class OpenedGpu : IDisposable
{
    private readonly GpuInstance? _instance; // null where the device is the host's

    private OpenedGpu(GpuDevice device, GpuInstance? instance)
    {
        Device = device;
        _instance = instance;
    }

    public GpuDevice Device { get; }

    public DeviceInfo Info => new(DeviceKind.Vulkan,
        $"{Device.Description.Name} (Vulkan, {Device.Description.Driver}{(_instance is null ? ", the program's own device" : "")})");

    /// <summary>
    /// The host's device or one of our own, whose driver's threads take the options' placement as far as they inherit it; null where the
    /// options ask for none and there is no real GPU.
    /// </summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="passedOver">Where there is none: why the software driver is not taken that there is, as a part of a sentence; else
    /// empty.</param>
    public static OpenedGpu? Open(MixtralOptions options, out string passedOver)
    {
        passedOver = "";
        var gpuOptions = new GpuOptions
        {
            Validation = options.EnableValidation,
            DebugNames = options.EnableDebugNames,
            OnMessage = options.OnValidationMessage ?? Console.Error.WriteLine,
            MemoryBudget = options.MemoryBudgetBytes,
            PipelineCacheDirectory = options.PipelineCacheDirectory,
        };
        if (options.WithGpuOptions is { } with) gpuOptions = with(gpuOptions);
        if (options.HostDevice is { } host) return new OpenedGpu(GpuDevice.Wrap(host, VulkanForwardPass.Shaders, gpuOptions), null);
        (OpenedGpu? opened, passedOver) = options.PlacementOfThreads.Call(() => OpenOwn(options, gpuOptions));
        return opened;
    }

    private static (OpenedGpu? Gpu, string PassedOver) OpenOwn(MixtralOptions options, GpuOptions gpuOptions)
    {
        var instance = GpuInstance.Create(gpuOptions);
        try
        {
            int adapter = AdapterChoice.Choose(options, [.. instance.Adapters.Select(a => a.Description)]);
            if (adapter >= 0) return (new OpenedGpu(GpuDevice.Open(instance.Adapters[adapter], VulkanForwardPass.Shaders), instance), "");
            instance.Dispose();
            return (null, instance.Adapters.FirstOrDefault(a => a.Description.Type == AdapterType.Software) is { } software
                ? $"; {software.Description.Name} is left out, a driver that computes on this processor, too, and slower" : "");
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Device.Dispose();
        _instance?.Dispose();
    }
}
