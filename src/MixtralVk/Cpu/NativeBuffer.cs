using System.Runtime.InteropServices;

namespace MixtralVk.Cpu;

/// <summary>
/// Memory outside the garbage collector's heap, aligned to 256 bytes, not cleared; the finaliser frees what Dispose did not.
/// </summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const int Alignment = 256;

    // From here on a buffer asks Linux for pages of 2 MiB: with 4 KiB pages, reading weights is a fifth slower.
    private const long LargeBytes = 32 << 20;
    private const int MadviseHugePage = 14;

    private static long _liveBytes;

    /// <summary>Allocates; throws <see cref="HostMemoryException"/> where that fails or cannot work out.</summary>
    public NativeBuffer(long bytes)
    {
        long live = Interlocked.Add(ref _liveBytes, bytes), limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        Bytes = bytes;
        try
        {
            // Linux hands out more than it has and kills the process later: what can never fit is refused here.
            if (limit > 0 && live > limit) throw new HostMemoryException(bytes, Math.Max(0, limit - (live - bytes)));
            Pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
            if (bytes >= LargeBytes && OperatingSystem.IsLinux()) AskForHugePages();
        }
        catch (OutOfMemoryException e)
        {
            throw new HostMemoryException(bytes, limit, e);
        }
        finally
        {
            if (Pointer == null) Interlocked.Add(ref _liveBytes, -bytes);
        }
    }

    ~NativeBuffer() => Free();

    /// <summary>Bytes of all buffers of the process.</summary>
    public static long LiveBytes => Volatile.Read(ref _liveBytes);

    /// <summary>The first byte.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>A wish: a system that refuses it serves small pages.</summary>
    private void AskForHugePages()
    {
        nint page = Environment.SystemPageSize, first = ((nint)Pointer + page - 1) / page * page;
        _ = Madvise(first, (nuint)((nint)Pointer + (nint)Bytes - first), MadviseHugePage);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(nint address, nuint bytes, int advice);

    private void Free()
    {
        if (Pointer == null) return;
        NativeMemory.AlignedFree(Pointer);
        Interlocked.Add(ref _liveBytes, -Bytes);
        Pointer = null;
    }
}
