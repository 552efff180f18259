using MixtralVk.Gpu;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Tuning;

/// <summary>What is known of the software driver.</summary>
internal static class SoftwareDevice
{
    public static DeviceDescription Description { get; } = Describe();

    private static DeviceDescription Describe()
    {
        using GpuInstance instance = GpuInstance.Create();
        string name = TestGpu.AdapterNames().First();
        return instance.Adapters.First(a => a.Description.Name == name).Description;
    }
}
