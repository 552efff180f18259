using System.Runtime.CompilerServices;

namespace MixtralVk.Gpu;

/// <summary>
/// A piece of device memory, cut from a larger block. The owner disposes it when no submission uses it any more. Mapped memory may be
/// used from any thread, one at a time.
/// </summary>
public sealed unsafe class GpuBuffer : IDisposable
{
    private readonly GpuMemory _memory;
    private bool _disposed;

    internal GpuBuffer(GpuMemory memory, MemoryBlock block, ulong offset, ulong size, BufferUse use, string name)
    {
        _memory = memory;
        Block = block;
        BlockOffset = offset;
        Size = size;
        Use = use;
        Name = name;
    }

    /// <summary>Name for error messages and captures.</summary>
    public string Name { get; }

    /// <summary>Size in bytes.</summary>
    public ulong Size { get; }

    /// <summary>What it is for.</summary>
    public BufferUse Use { get; }

    /// <summary>The whole buffer as a view.</summary>
    public BufferView View => new(this, 0, Size);

    /// <summary>True when the host can map it.</summary>
    public bool IsMapped => Block.Mapped != null;

    internal MemoryBlock Block { get; }

    internal ulong BlockOffset { get; }

    /// <summary>
    /// The mapped memory as values of <typeparamref name="T"/>. Call <see cref="Flush"/> after writing and <see cref="Invalidate"/> before
    /// reading what the device wrote.
    /// </summary>
    public Span<T> Map<T>() where T : unmanaged => Map<T>(0, Size);

    /// <summary>A part of the mapped memory; <paramref name="offset"/> and <paramref name="length"/> in bytes.</summary>
    public Span<T> Map<T>(ulong offset, ulong length) where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!IsMapped) throw new InvalidOperationException($"Buffer {Name} is not visible to the host.");
        if (offset > Size || length > Size - offset) throw new ArgumentOutOfRangeException(nameof(length));
        return new Span<T>(Block.Mapped + BlockOffset + offset, checked((int)(length / (ulong)Unsafe.SizeOf<T>())));
    }

    /// <summary>Makes host writes visible to submissions that follow. Free on coherent memory.</summary>
    public void Flush() => _memory.Flush(this);

    /// <summary>Makes what the device wrote visible to the host. Free on coherent memory.</summary>
    public void Invalidate() => _memory.Invalidate(this);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _memory.Free(this);
    }
}
