using System.Buffers.Binary;
using MessagePack;
using Microsoft.Win32.SafeHandles;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Packing;

/// <summary>
/// An opened packed file whose header was checked against the file. It is held without write sharing. Reading goes through the file system,
/// so that what fails is an exception; only <see cref="Map"/> maps it. Thread-safe.
/// </summary>
internal sealed class PackedFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private PackedFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
        Length = RandomAccess.GetLength(handle);
        Header = ReadHeader();
    }

    public string Path { get; }

    /// <summary>Size in bytes.</summary>
    public long Length { get; }

    public PackedHeader Header { get; }

    /// <summary>True when the file begins like a packed one; false also when it cannot be read, which opening it will tell.</summary>
    public static bool IsPacked(string path)
    {
        try
        {
            using SafeFileHandle handle = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            Span<byte> magic = stackalloc byte[PackedFormat.Magic.Length];
            return RandomAccess.Read(handle, magic, 0) == magic.Length && magic.SequenceEqual(PackedFormat.Magic);
        }
        catch (Exception e) when (ModelFileException.IsFileProblem(e))
        {
            return false;
        }
    }

    /// <summary>Opens a file. Throws <see cref="ModelFileException"/> when it cannot be read or anything in its header is wrong.</summary>
    public static PackedFile Open(string path)
    {
        try
        {
            SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            try
            {
                return new PackedFile(path, handle);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        catch (Exception e) when (ModelFileException.IsFileProblem(e))
        {
            throw new ModelFileException(path, $"cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Reads exactly <paramref name="bytes"/> from <paramref name="offset"/>.</summary>
    public void Read(long offset, Span<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                int read = RandomAccess.Read(_handle, bytes, offset);
                if (read == 0) throw new ModelFileException(Path, $"ends at {offset}; it was {Length} bytes long when it was opened.");
                bytes = bytes[read..];
                offset += read;
            }
        }
        catch (IOException e)
        {
            throw new ModelFileException(Path, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Maps the whole file; the mapping stays valid, and the file held, after this object is disposed.</summary>
    public FileMapping Map()
    {
        try
        {
            return new FileMapping(_handle, Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFileException(Path, $"cannot be mapped: {e.Message}", e);
        }
    }

    public void Dispose() => _handle.Dispose();

    private PackedHeader ReadHeader()
    {
        Span<byte> preamble = stackalloc byte[PackedFormat.PreambleBytes];
        if (Length < preamble.Length) throw Error($"has {Length} bytes, too few for a packed model.");
        Read(0, preamble);
        if (!preamble.StartsWith(PackedFormat.Magic)) throw Error("is not a packed model (it does not begin like one).");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(preamble[8..]);
        if (version != PackedFormat.Version)
            throw Error($"has version {version} of the format; this program reads version {PackedFormat.Version}. Pack it again.");
        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(preamble[12..]);
        long headerBytes = BinaryPrimitives.ReadInt64LittleEndian(preamble[16..]),
            fileBytes = BinaryPrimitives.ReadInt64LittleEndian(preamble[24..]);
        if (fileBytes != Length) throw Error($"has {Length} bytes where {fileBytes} are written in it; it is truncated or damaged.");
        if (headerBytes < 1 || headerBytes > Length - preamble.Length)
            throw Error($"has a header of {headerBytes} bytes, more than the file.");
        if (headerBytes > PackedFormat.MaxHeaderBytes)
            throw Error($"has a header of {headerBytes} bytes, more than {PackedFormat.MaxHeaderBytes}.");

        var bytes = new byte[headerBytes];
        Read(preamble.Length, bytes);
        if (PackedFormat.Checksum(bytes, PackedFormat.Checksum(preamble[16..])) != checksum)
            throw Error("has a damaged header: its checksum is wrong.");
        try
        {
            return Parse(bytes, preamble.Length + headerBytes);
        }
        // The last is what the reader says of a length above 2^31.
        catch (Exception e)
            when (e is MessagePackSerializationException or EndOfStreamException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new ModelFileException(Path, $"has a header that is not what it should be: {e.Message}", e);
        }
    }

    private PackedHeader Parse(byte[] bytes, long dataStart)
    {
        var reader = new MessagePackReader(bytes);
        byte[]? hash = null;
        ModelConfig? config = null;
        Tokenization.VocabularyData? vocabulary = null;
        PackedTensor[]? tensors = null;
        // What came a second time would not have been checked against the rest.
        var seen = new HashSet<string>();
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            string key = PackedText.Read(ref reader, Path);
            if (!seen.Add(key)) throw Error($"has '{key}' twice.");
            switch (key)
            {
                case "version":
                    if (reader.ReadInt64() != PackedFormat.Version) throw Error("has two versions of the format.");
                    break;
                case "model_hash":
                    hash = System.Buffers.BuffersExtensions.ToArray(reader.ReadBytes() ?? throw Error("has no model hash."));
                    break;
                case "config": config = PackedConfig.Read(ref reader, Path); break;
                case "tokenizer": vocabulary = PackedVocabulary.Read(ref reader, Path); break;
                case "tensors":
                    if (config is null || vocabulary is null) throw Error("has its tensors before its sizes and its tokenizer.");
                    config = config with { VocabSize = vocabulary.Tokens.Length };
                    if (ModelLimits.Problem(config) is string problem) throw Error($"has {problem}.");
                    tensors = PackedTensorTable.Read(ref reader, config, Path);
                    break;
                default: reader.Skip(); break;
            }
        }
        if (!reader.End) throw Error("has something behind its header.");
        if (hash is not { Length: System.Security.Cryptography.SHA256.HashSizeInBytes }) throw Error("has no model hash of 32 bytes.");
        if (tensors is null) throw Error("has no tensors.");
        PackedTensorTable.CheckPlaces(tensors, dataStart, Length, Path);
        return new PackedHeader { ModelHash = hash, Config = config!, Vocabulary = vocabulary!, Tensors = tensors };
    }

    private ModelFileException Error(string problem) => new(Path, problem);
}
