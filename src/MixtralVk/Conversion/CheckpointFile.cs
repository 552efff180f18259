using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>Opens the files of a checkpoint folder; what goes wrong becomes a <see cref="ModelFileException"/>.</summary>
internal static class CheckpointFile
{
    /// <summary>Opens a file for reading, held without write sharing.</summary>
    public static FileStream Open(string path)
    {
        if (Directory.Exists(path)) throw new ModelFileException(path, "is a directory, not a file.");
        return Guard(path, () =>
        {
            FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (stream.CanSeek) return stream;
            stream.Dispose();
            throw new ModelFileException(path, "is not a regular file.");
        });
    }

    /// <summary>The whole of a small file, at most <paramref name="mostBytes"/>.</summary>
    public static byte[] ReadAll(string path, int mostBytes)
    {
        using FileStream stream = Open(path);
        if (stream.Length > mostBytes) throw new ModelFileException(path, $"has {stream.Length} bytes, more than {mostBytes}.");
        return Guard(path, () =>
        {
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (ModelFileException.IsFileProblem(e))
        {
            throw ModelFileException.Because(path, "cannot be read", e);
        }
    }
}
