using System.Runtime.CompilerServices;

namespace MixtralVk.Gpu;

/// <summary>How a dispatch uses a bound buffer.</summary>
[Flags]
public enum BufferAccess
{
    /// <summary>Read only.</summary>
    Read = 1,
    /// <summary>Written only; what was there before is lost.</summary>
    Write = 2,
    /// <summary>Read and written.</summary>
    ReadWrite = Read | Write,
}

/// <summary>A specialisation or push constant: its name in C# and its 32 bits.</summary>
public readonly record struct NamedConstant(string Name, uint Bits, bool IsFloat);

/// <summary>How a shader sees a bound range.</summary>
public enum BindingKind
{
    /// <summary>A storage buffer.</summary>
    Storage,
    /// <summary>A uniform buffer; what lies beyond <see cref="DeviceLimits.MaxUniformBufferRange"/> is out of reach.</summary>
    Uniform,
    /// <summary>
    /// A uniform texel buffer of four uints; what lies beyond <see cref="DeviceLimits.MaxTexelBufferElements"/> is out of reach.
    /// </summary>
    UintTexels,
    /// <summary>
    /// A uniform texel buffer of four floats; what lies beyond <see cref="DeviceLimits.MaxTexelBufferElements"/> is out of reach.
    /// </summary>
    FloatTexels,
}

/// <summary>A bound range: its name in C#, the range, the access and how the shader sees it.</summary>
public readonly record struct NamedBuffer(string Name, BufferView View, BufferAccess Access, BindingKind Kind = BindingKind.Storage);

/// <summary>
/// Collects what <see cref="IKernel.Bind"/> lists. The order of calls is the order of <c>constant_id</c>, <c>binding</c> (set 0) and
/// push-constant members; names are taken from the argument expressions and compared with the shader by the contract tests.
/// </summary>
public ref struct Bindings
{
    private readonly List<NamedConstant> _constants;
    private readonly List<NamedBuffer> _buffers;
    private readonly List<NamedConstant> _push;

    internal Bindings(List<NamedConstant> constants, List<NamedBuffer> buffers, List<NamedConstant> push)
    {
        _constants = constants;
        _buffers = buffers;
        _push = push;
        SubgroupSize = 0;
    }

    /// <summary>The subgroup size the kernel asks for; 0 leaves it to the driver.</summary>
    public uint SubgroupSize { get; private set; }

    /// <summary>Asks for a subgroup size between the device's least and greatest; 0 leaves it to the driver.</summary>
    public void RequireSubgroupSize(uint size) => SubgroupSize = size;

    /// <summary>A number fixed when the pipeline is made.</summary>
    public readonly void Constant(uint value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        _constants.Add(new(name, value, false));

    /// <summary>A switch fixed when the pipeline is made.</summary>
    public readonly void Constant(bool value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        _constants.Add(new(name, value ? 1u : 0u, false));

    /// <summary>A float fixed when the pipeline is made.</summary>
    public readonly void Constant(float value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        _constants.Add(new(name, BitConverter.SingleToUInt32Bits(value), true));

    /// <summary>A storage buffer the kernel only reads.</summary>
    public readonly void Read(BufferView view, [CallerArgumentExpression(nameof(view))] string name = "") =>
        _buffers.Add(new(name, view, BufferAccess.Read));

    /// <summary>A storage buffer the kernel only writes.</summary>
    public readonly void Write(BufferView view, [CallerArgumentExpression(nameof(view))] string name = "") =>
        _buffers.Add(new(name, view, BufferAccess.Write));

    /// <summary>A range the kernel only reads, in another way than as a storage buffer.</summary>
    public readonly void Read(BufferView view, BindingKind kind, string name) => _buffers.Add(new(name, view, BufferAccess.Read, kind));

    /// <summary>A storage buffer the kernel reads and writes.</summary>
    public readonly void ReadWrite(BufferView view, [CallerArgumentExpression(nameof(view))] string name = "") =>
        _buffers.Add(new(name, view, BufferAccess.ReadWrite));

    /// <summary>A push constant.</summary>
    public readonly void Push(uint value, [CallerArgumentExpression(nameof(value))] string name = "") => _push.Add(new(name, value, false));

    /// <summary>A push constant.</summary>
    public readonly void Push(float value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        _push.Add(new(name, BitConverter.SingleToUInt32Bits(value), true));
}
