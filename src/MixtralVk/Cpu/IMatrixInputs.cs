using MixtralVk.Loading;

namespace MixtralVk.Cpu;

/// <summary>
/// Is shown what matrices are multiplied with, on the thread that runs the step, after the input is complete. Key and value see the input
/// of <see cref="MatrixRole.Query"/>, and the up projection that of <see cref="MatrixRole.GateProj"/>; they are not reported again.
/// </summary>
internal interface IMatrixInputs
{
    /// <summary>One row of activations; <paramref name="expert"/> is 0 where there are no experts.</summary>
    void Observe(MatrixRole role, int layer, int expert, ReadOnlySpan<float> input);
}
