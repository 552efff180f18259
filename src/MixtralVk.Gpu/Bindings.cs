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

/// <summary>A bound storage buffer: its name in C#, the range and the access.</summary>
public readonly record struct NamedBuffer(string Name, BufferView View, BufferAccess Access);

/// <summary>
/// Collects what <see cref="IKernel.Bind"/> lists. The order of calls is the order of <c>constant_id</c>, <c>binding</c> (set 0) and
/// push-constant members; names are taken from the argument expressions and compared with the shader by the contract tests.
/// </summary>
public readonly ref struct Bindings
{
    private readonly List<NamedConstant> _constants;
    private readonly List<NamedBuffer> _buffers;
    private readonly List<NamedConstant> _push;

    internal Bindings(List<NamedConstant> constants, List<NamedBuffer> buffers, List<NamedConstant> push)
    {
        _constants = constants;
        _buffers = buffers;
        _push = push;
    }

    /// <summary>A number fixed when the pipeline is made.</summary>
    public void Constant(uint value, [CallerArgumentExpression(nameof(value))] string name = "") => _constants.Add(new(name, value, false));

    /// <summary>A switch fixed when the pipeline is made.</summary>
    public void Constant(bool value, [CallerArgumentExpression(nameof(value))] string name = "") => _constants.Add(new(name, value ? 1u : 0u, false));

    /// <summary>A float fixed when the pipeline is made.</summary>
    public void Constant(float value, [CallerArgumentExpression(nameof(value))] string name = "") => _constants.Add(new(name, BitConverter.SingleToUInt32Bits(value), true));

    /// <summary>A storage buffer the kernel only reads.</summary>
    public void Read(BufferView view, [CallerArgumentExpression(nameof(view))] string name = "") => _buffers.Add(new(name, view, BufferAccess.Read));

    /// <summary>A storage buffer the kernel only writes.</summary>
    public void Write(BufferView view, [CallerArgumentExpression(nameof(view))] string name = "") => _buffers.Add(new(name, view, BufferAccess.Write));

    /// <summary>A storage buffer the kernel reads and writes.</summary>
    public void ReadWrite(BufferView view, [CallerArgumentExpression(nameof(view))] string name = "") => _buffers.Add(new(name, view, BufferAccess.ReadWrite));

    /// <summary>A push constant.</summary>
    public void Push(uint value, [CallerArgumentExpression(nameof(value))] string name = "") => _push.Add(new(name, value, false));

    /// <summary>A push constant.</summary>
    public void Push(float value, [CallerArgumentExpression(nameof(value))] string name = "") => _push.Add(new(name, BitConverter.SingleToUInt32Bits(value), true));
}
