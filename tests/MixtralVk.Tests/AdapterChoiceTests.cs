using MixtralVk.Gpu;

namespace MixtralVk.Tests;

public class AdapterChoiceTests
{
    private static readonly MixtralOptions s_auto = new(), s_vulkan = new() { Device = DeviceKind.Vulkan };

    [Fact]
    public void AutoTakesARealGpuAndVulkanAlsoASoftwareDriver()
    {
        DeviceDescription software = Software(), discrete = software with { Name = "Discrete", Type = AdapterType.Discrete };
        DeviceDescription integrated = software with { Name = "Integrated", Type = AdapterType.Integrated };
        Assert.Equal(2, AdapterChoice.Choose(s_auto, [software, integrated, discrete]));
        Assert.Equal(1, AdapterChoice.Choose(s_vulkan, [software, integrated]));
        Assert.Equal(-1, AdapterChoice.Choose(s_auto, [software]));
        Assert.Equal(-1, AdapterChoice.Choose(s_auto, []));
        Assert.Equal(0, AdapterChoice.Choose(s_vulkan, [software]));
        Assert.Throws<DeviceNotFoundException>(() => AdapterChoice.Choose(s_vulkan, []));
    }

    [Fact]
    public void AnAdapterCanBeNamed()
    {
        DeviceDescription software = Software(), other = software with { Name = "Other GPU", Type = AdapterType.Discrete };
        Assert.Equal(0, AdapterChoice.Choose(s_auto with { AdapterIndex = 0 }, [software, other]));
        Assert.Equal(1, AdapterChoice.Choose(s_auto with { AdapterName = "other" }, [software, other]));
        var error = Assert.Throws<DeviceNotFoundException>(() =>
            AdapterChoice.Choose(s_auto with { AdapterName = "voodoo" }, [software, other]));
        Assert.Contains("1 Other GPU", error.Message, StringComparison.Ordinal);
        Assert.Throws<DeviceNotFoundException>(() => AdapterChoice.Choose(s_vulkan with { AdapterIndex = 2 }, [software, other]));
    }

    private static DeviceDescription Software()
    {
        using GpuInstance instance = GpuInstance.Create();
        return instance.Adapters.First(adapter =>
            adapter.Description.Type == AdapterType.Software && adapter.Missing.Count == 0).Description;
    }
}
