namespace MixtralVk.Gpu;

/// <summary>
/// One dispatch of a compute shader, declared by the values it needs. Implemented by small <c>readonly record struct</c>s whose constructor
/// parameters are the bindings and constants.
/// </summary>
public interface IKernel
{
    /// <summary>Name of the shader: its path below <c>shaders/</c> without extension.</summary>
    string Shader { get; }

    /// <summary>Workgroups to dispatch; ignored by indirect dispatch.</summary>
    DispatchSize Workgroups { get; }

    /// <summary>Lists specialisation constants, buffers and push constants in the order the shader declares them.</summary>
    void Bind(ref Bindings b);
}
