using MixtralVk.Tests.Kernels;

namespace MixtralVk.Tests;

/// <summary>
/// Tests that compute on Vulkan: one after the other, as the validation layer (1.3.239) can crash the process when two threads use it at
/// once.
/// </summary>
[CollectionDefinition(Name)]
public sealed class VulkanCollection : ICollectionFixture<KernelDevice>
{
    public const string Name = "Vulkan";
}
