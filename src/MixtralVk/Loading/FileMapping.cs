using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace MixtralVk.Loading;

/// <summary>
/// A whole file mapped for reading. Keeps the file open and held. When the file shrinks all the same (another system's program, a network
/// drive), reading the lost part ends the process: that is why mapping is not the rule.
/// </summary>
internal sealed unsafe class FileMapping : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly MemoryMappedFile? _mapping;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly bool _holdsHandle;
    private bool _disposed;

    public FileMapping(SafeFileHandle handle, long length)
    {
        _handle = handle;
        Length = length;
        handle.DangerousAddRef(ref _holdsHandle);
        try
        {
            _mapping = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read,
                HandleInheritability.None, leaveOpen: true);
            _view = _mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            byte* start = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            Start = start;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The first byte, at the begin of a page.</summary>
    public byte* Start { get; }

    /// <summary>Bytes mapped.</summary>
    public long Length { get; }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (Start != null) _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _mapping?.Dispose();
        if (_holdsHandle) _handle.DangerousRelease();
    }
}
