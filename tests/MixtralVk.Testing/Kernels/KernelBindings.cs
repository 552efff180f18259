using MixtralVk.Gpu;

namespace MixtralVk.Testing.Kernels;

/// <summary>What a kernel binds.</summary>
internal sealed record KernelBindings(IReadOnlyList<NamedConstant> Constants, IReadOnlyList<NamedBuffer> Buffers,
    IReadOnlyList<NamedConstant> Push)
{
    public static KernelBindings Of(IKernel kernel)
    {
        List<NamedConstant> constants = [], push = [];
        List<NamedBuffer> buffers = [];
        var bindings = new Bindings(constants, buffers, push);
        kernel.Bind(ref bindings);
        return new KernelBindings(constants, buffers, push);
    }
}
