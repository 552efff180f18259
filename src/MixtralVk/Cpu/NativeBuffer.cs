using System.Runtime.InteropServices;

namespace MixtralVk.Cpu;

/// <summary>Memory outside the garbage collector's heap, aligned to 256 bytes, not cleared. Freed by Dispose, at the latest by the finaliser.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int Alignment = 256;

    /// <summary>Allocates; throws <see cref="HostMemoryException"/> where that fails or cannot work out.</summary>
    public NativeBuffer(long bytes)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        // Linux hands out more than it has and kills the process later: what can never fit is refused here.
        if (bytes > available && available > 0) throw new HostMemoryException(bytes, available);
        try
        {
            Pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
        }
        catch (OutOfMemoryException e)
        {
            throw new HostMemoryException(bytes, available, e);
        }
        Bytes = bytes;
    }

    ~NativeBuffer() => Free();

    /// <summary>The first byte.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
