using System.Runtime.CompilerServices;
using System.Text;

namespace MixtralVk.Loading;

/// <summary>Reads a GGUF header from mapped memory, little-endian; every step is checked against the end of the file first.</summary>
internal unsafe ref struct GgufCursor(string path, byte* start, long length, long position = 0)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Bytes from the begin of the file.</summary>
    public long Position { get; private set; } = position;

    /// <summary>Bytes up to the end of the file.</summary>
    public readonly long Remaining => length - Position;

    /// <summary>Reads a number; <paramref name="what"/> names it in the error.</summary>
    public T Number<T>(string what) where T : unmanaged
    {
        byte* at = start + Skip((ulong)sizeof(T), what);
        return Unsafe.ReadUnaligned<T>(at);
    }

    /// <summary>Reads a string: its length in bytes as u64, then UTF-8 without a final zero.</summary>
    public string Text(string what, int maxBytes)
    {
        ulong bytes = Number<ulong>(what);
        if (bytes > (ulong)maxBytes && bytes <= (ulong)Remaining) throw Error($"{what} is {bytes} bytes long, more than {maxBytes}.");
        byte* at = start + Skip(bytes, what);
        try
        {
            return StrictUtf8.GetString(at, (int)bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw Error($"{what} is not valid UTF-8.", e);
        }
    }

    /// <summary>Passes a string without decoding it.</summary>
    public void SkipText(string what) => Skip(Number<ulong>(what), what);

    /// <summary>Passes <paramref name="bytes"/> bytes and returns the position before them.</summary>
    public long Skip(ulong bytes, string what)
    {
        if (bytes > (ulong)Remaining) throw Error($"the file ends inside {what} ({bytes} bytes at {Position}, the file has {length}).");
        long before = Position;
        Position += (long)bytes;
        return before;
    }

    /// <summary>The error to throw.</summary>
    public readonly ModelFileException Error(string problem, Exception? inner = null) => new(path, problem, inner);
}
