using MixtralVk.Gpu;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Kernels;

/// <summary>What each kernel binds against what its shader declares: names, order, access, types and offsets.</summary>
[Collection(VulkanCollection.Name)]
public sealed class KernelContractTests(KernelDevice gpu)
{
    /// <summary>The shaders compiled without optimisation, which keeps names and unused declarations.</summary>
    private static readonly ShaderLibrary Unoptimised = new(typeof(KernelCase).Assembly);

    [Fact]
    public void Every_kernel_binds_what_its_shader_declares()
    {
        var used = new HashSet<string>();
        foreach (KernelCase kernelCase in KernelCases.All)
            gpu.Run(memory =>
            {
                IKernel kernel = kernelCase.Prepare(memory).Kernel;
                if (used.Add(kernel.Shader)) AssertContract(kernel);
            });
        Assert.Equal(KernelDevice.Shaders.Names.Order(), used.Order());
    }

    private static void AssertContract(IKernel kernel)
    {
        var (constants, buffers, push) = KernelBindings.Of(kernel);
        var shader = new ShaderInterface(Unoptimised[kernel.Shader]);

        Assert.Equal(shader.Buffers, buffers.Select((b, i) => new ShaderBuffer((uint)i, b.Name, b.Access, b.Kind)));
        Assert.Equal(shader.Constants.Select(c => (c.Id, c.Name ?? constants[(int)c.Id].Name)),
            constants.Select((c, i) => ((uint)i, c.Name)));
        Assert.Equal(shader.Push.Select(p => (p.Name.ToUpperInvariant(), p.Offset, p.IsFloat)),
            push.Select((p, i) => (p.Name.ToUpperInvariant(), (uint)i * 4, p.IsFloat)));
    }
}
