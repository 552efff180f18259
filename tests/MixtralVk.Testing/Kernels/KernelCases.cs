namespace MixtralVk.Testing.Kernels;

/// <summary>Every kernel case. The contract test fails on a shader no case uses.</summary>
internal static class KernelCases
{
    public static IReadOnlyList<KernelCase> All { get; } =
        [.. ElementwiseCases.All, .. MatMulCases.All, .. AttentionCases.All, .. ExpertCases.All];
}
