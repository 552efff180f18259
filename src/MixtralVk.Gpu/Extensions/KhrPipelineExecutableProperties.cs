using Silk.NET.Vulkan;

namespace MixtralVk.Gpu.Extensions;

/// <summary>VK_KHR_pipeline_executable_properties: what the driver's compiler made of a pipeline.</summary>
internal sealed unsafe class KhrPipelineExecutableProperties
{
    public const string ExtensionName = "VK_KHR_pipeline_executable_properties";

    private readonly delegate* unmanaged<Device, PipelineInfoKHR*, uint*, PipelineExecutablePropertiesKHR*, Result> _getProperties;
    private readonly delegate* unmanaged<Device, PipelineExecutableInfoKHR*, uint*, PipelineExecutableStatisticKHR*, Result> _getStatistics;
    private readonly delegate* unmanaged<Device, PipelineExecutableInfoKHR*, uint*, PipelineExecutableInternalRepresentationKHR*, Result> _getRepresentations;

    private KhrPipelineExecutableProperties(Vk vk, Device device)
    {
        _getProperties = (delegate* unmanaged<Device, PipelineInfoKHR*, uint*, PipelineExecutablePropertiesKHR*, Result>)
            vk.GetDeviceProcAddr(device, "vkGetPipelineExecutablePropertiesKHR").Handle;
        _getStatistics = (delegate* unmanaged<Device, PipelineExecutableInfoKHR*, uint*, PipelineExecutableStatisticKHR*, Result>)
            vk.GetDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR").Handle;
        _getRepresentations =
            (delegate* unmanaged<Device, PipelineExecutableInfoKHR*, uint*, PipelineExecutableInternalRepresentationKHR*, Result>)
            vk.GetDeviceProcAddr(device, "vkGetPipelineExecutableInternalRepresentationsKHR").Handle;
    }

    /// <summary>The extension's commands; null where the device was not created with it.</summary>
    public static KhrPipelineExecutableProperties? TryLoad(Vk vk, Device device)
    {
        var extension = new KhrPipelineExecutableProperties(vk, device);
        return extension._getProperties != null ? extension : null;
    }

    public Result GetPipelineExecutableProperties(Device device, PipelineInfoKHR* pipeline, uint* count,
        PipelineExecutablePropertiesKHR* properties) =>
        _getProperties(device, pipeline, count, properties);

    public Result GetPipelineExecutableStatistics(Device device, PipelineExecutableInfoKHR* executable, uint* count,
        PipelineExecutableStatisticKHR* statistics) =>
        _getStatistics(device, executable, count, statistics);

    public Result GetPipelineExecutableInternalRepresentations(Device device, PipelineExecutableInfoKHR* executable, uint* count,
        PipelineExecutableInternalRepresentationKHR* forms) =>
        _getRepresentations(device, executable, count, forms);
}
