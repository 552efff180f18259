using System.Buffers.Binary;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>
/// An opened safetensors file: 8 bytes with the header's length, a JSON header, the data. The header was checked when it was opened. The
/// data is read piece by piece and not mapped, so that a 90 GB model stays out of the process's memory and a file that shrinks is an error
/// and no crash. Reading is thread-safe.
/// </summary>
internal sealed class SafetensorsFile : IDisposable
{
    // The bound of the format's own reader.
    private const int MaxHeaderBytes = 100_000_000;

    private readonly FileStream _stream;

    private SafetensorsFile(string path, FileStream stream)
    {
        Path = path;
        _stream = stream;
        Span<byte> start = stackalloc byte[sizeof(ulong)];
        ReadBytes(0, start, "the length of the header");
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(start);
        ulong rest = (ulong)stream.Length - sizeof(ulong);
        if (headerBytes > Math.Min(rest, MaxHeaderBytes))
            throw new ModelFileException(path,
                $"states a header of {headerBytes} bytes, but {rest} follow; it is no safetensors file, or truncated.");
        byte[] header = new byte[headerBytes];
        ReadBytes(sizeof(ulong), header, "the header");
        long dataStart = sizeof(ulong) + (long)headerBytes;
        Tensors = SafetensorsHeader.Read(path, header, dataStart, stream.Length - dataStart);
    }

    /// <summary>Path of the file.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsTensor> Tensors { get; }

    /// <summary>Opens a file. Throws <see cref="ModelFileException"/> when it cannot be read or anything in its header is wrong.</summary>
    public static SafetensorsFile Open(string path)
    {
        FileStream stream = CheckpointFile.Open(path);
        try
        {
            return new SafetensorsFile(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Elements of a BF16, F16 or F32 tensor of this file as floats, exactly, from element <paramref name="first"/> on.
    /// <paramref name="scratch"/> has at least 4 bytes for each of <paramref name="values"/>.
    /// </summary>
    public void Read(SafetensorsTensor tensor, long first, Span<float> values, Span<byte> scratch)
    {
        int elementBytes = SafetensorsTensor.ElementBytes(tensor.Type);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, tensor.Bytes / elementBytes - values.Length);
        Span<byte> bytes = scratch[..(values.Length * elementBytes)];
        ReadBytes(tensor.Offset + first * elementBytes, bytes, $"tensor '{tensor.Name}'");
        switch (tensor.Type)
        {
            case "F32":
                for (int i = 0; i < values.Length; i++) values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]);
                break;
            case "F16":
                for (int i = 0; i < values.Length; i++) values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
                break;
            case "BF16":
                for (int i = 0; i < values.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16);
                break;
            default:
                throw new ModelFileException(Path,
                    $"tensor '{tensor.Name}' has dtype {tensor.Type}; only BF16, F16 and F32 can be converted.");
        }
    }

    public void Dispose() => _stream.Dispose();

    private void ReadBytes(long offset, Span<byte> bytes, string what)
    {
        try
        {
            for (int done = 0; done < bytes.Length;)
            {
                int read = RandomAccess.Read(_stream.SafeFileHandle, bytes[done..], offset + done);
                if (read == 0) throw new ModelFileException(Path, $"the file ends inside {what}.");
                done += read;
            }
        }
        catch (IOException e)
        {
            throw new ModelFileException(Path, $"{what} cannot be read: {e.Message}", e);
        }
    }
}
