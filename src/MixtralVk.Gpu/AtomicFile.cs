using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MixtralVk;

/// <summary>
/// Writes a file whole or not at all: into a temporary one beside it, which is flushed to the disk and takes its name only then. What a
/// path holds is always one whole file, the old or a new one, also for readers and other writers at the same time, on a full disk, and
/// after a power cut. A killed process may leave its temporary file (PATH.RANDOM.tmp). Any thread.
/// </summary>
public static partial class AtomicFile
{
    private const int CloseOnExec = 0x80000;

    /// <summary>Writes <paramref name="bytes"/>; see <see cref="Write(string, Action{FileStream}, long)"/>.</summary>
    public static void Write(string path, byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        Write(path, stream => stream.Write(bytes), bytes.Length);
    }

    /// <summary>Writes what <paramref name="write"/> puts into the stream; when that throws, what was at the path stays.</summary>
    /// <param name="path">The file; a device (/dev/stdout, /dev/null) is written to, not replaced.</param>
    /// <param name="write">Fills the stream. Files beyond memory may be written through its handle, in any order.</param>
    /// <param name="expectedBytes">Size that is asked of the disk beforehand, so that a full one is noticed before the work; 0 where it is
    /// unknown.</param>
    /// <exception cref="IOException">It cannot be written: the disk is full, the folder is missing or may not be changed, the path is a
    /// folder. <see cref="Exception.HResult"/> is that of the cause.</exception>
    public static void Write(string path, Action<FileStream> write, long expectedBytes = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        bool isDevice = IsDevice(path);
        string written = isDevice ? path : $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            if (Directory.Exists(path)) throw new IOException("it is a directory");
            if (isDevice)
            {
                using FileStream device = new(path, FileMode.Open, FileAccess.Write);
                write(device);
            }
            else Replace(path, written, write, expectedBytes);
        }
        // The last is what .NET makes of a file that is too large for its file system (FAT32: 4 GiB) or for the process.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException { ParamName: "value" })
        {
            throw new IOException($"{path} cannot be written: {e.Message.Replace(written, path, StringComparison.Ordinal).TrimEnd('.')}.",
                e) { HResult = e.HResult };
        }
    }

    /// <summary>True for a path in /dev, but not among the files in memory that have their place there, too.</summary>
    public static bool IsDevice(string path)
    {
        string full = Path.GetFullPath(path);
        return !OperatingSystem.IsWindows() && full.StartsWith("/dev/", StringComparison.Ordinal)
            && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);
    }

    private static void Replace(string path, string temporary, Action<FileStream> write, long expectedBytes)
    {
        try
        {
            using (FileStream stream = new(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write,
                Share = FileShare.None, PreallocationSize = expectedBytes }))
            {
                write(stream);
                // On the disk before it has its name: a power cut must not leave half a file under it.
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary); // not there any more when all went well
        }
        // The name is on the disk when its folder is. Windows' file systems keep a journal of names and have no such call.
        if (OperatingSystem.IsLinux()) FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    private static void FlushFolder(string path)
    {
        using SafeFileHandle folder = new(Open(path, CloseOnExec), ownsHandle: true);
        if (!folder.IsInvalid) RandomAccess.FlushToDisk(folder); // invalid: a folder that may be written to but not read
    }

    // .NET opens no folders.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
