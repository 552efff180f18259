using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Kernels;

/// <summary>Every kernel case against the reference.</summary>
[Collection(VulkanCollection.Name)]
public sealed class KernelCaseTests(KernelDevice gpu)
{
    public static TheoryData<string> Names => [.. KernelCases.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_kernel_gives_what_the_reference_gives(string name) => gpu.Check(KernelCases.All.Single(c => c.Name == name));
}
