namespace MixtralVk.Cli;

/// <summary>Writes a file whole or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Lets <paramref name="write"/> fill a temporary file beside <paramref name="path"/> and renames it; when anything fails, what was at the
    /// path stays. Throws <see cref="IOException"/> when it cannot be written.
    /// </summary>
    public static void Write(string path, Action<Stream> write)
    {
        // A device (/dev/stdout, /dev/null) is written to, not replaced by a file.
        bool isDevice = !OperatingSystem.IsWindows() && Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal);
        string written = isDevice ? path : $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            if (Directory.Exists(path)) throw new IOException("it is a directory");
            try
            {
                using (FileStream stream = new(written, isDevice ? FileMode.Open : FileMode.CreateNew, FileAccess.Write))
                {
                    write(stream);
                    // On the disk before it has its name: a power cut must not leave half a file under it.
                    if (!isDevice) stream.Flush(flushToDisk: true);
                }
                if (!isDevice) File.Move(written, path, overwrite: true);
            }
            finally
            {
                if (!isDevice) File.Delete(written);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be written: {e.Message.Replace(written, path, StringComparison.Ordinal).TrimEnd('.')}.", e);
        }
    }
}
