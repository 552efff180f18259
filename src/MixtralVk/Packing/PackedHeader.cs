using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using MessagePack;
using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk.Packing;

/// <summary>What the MessagePack header of a packed file says.</summary>
internal sealed record PackedHeader
{
    /// <summary>
    /// SHA-256 of the header with zeros in this place; as the header holds the checksums of all data, it names the model.
    /// </summary>
    public byte[] ModelHash { get; init; } = new byte[SHA256.HashSizeInBytes];

    public required ModelConfig Config { get; init; }

    public required VocabularyData Vocabulary { get; init; }

    public required IReadOnlyList<PackedTensor> Tensors { get; init; }

    /// <summary>Places the tensors one after the other, the first at <paramref name="position"/>; checksums are zero.</summary>
    public static IEnumerable<PackedTensor> Place(IEnumerable<PackedTensor> tensors, long position)
    {
        foreach (PackedTensor tensor in tensors)
        {
            position = PackedFormat.Align(position, tensor.Alignment);
            yield return tensor with { Offset = position };
            position = PackedFormat.Align(position + tensor.Bytes, tensor.Alignment);
        }
    }

    /// <summary>Length of the whole file: up to the end of the last tensor's room.</summary>
    public long FileBytes => Tensors.Max(t => PackedFormat.Align(t.Offset + t.Bytes, PackedFormat.TileAlignment));

    /// <summary>The hash this header must have.</summary>
    public byte[] ComputeHash() => SHA256.HashData((this with { ModelHash = new byte[SHA256.HashSizeInBytes] }).ToMessagePack());

    /// <summary>Preamble and header as they begin the file.</summary>
    public byte[] ToBytes()
    {
        ReadOnlySpan<byte> header = ToMessagePack();
        byte[] bytes = [.. new byte[PackedFormat.PreambleBytes], .. header];
        PackedFormat.Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), PackedFormat.Version);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), FileBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16)));
        return bytes;
    }

    /// <summary>
    /// The header alone. Its length does not depend on positions, checksums or the hash, as these have a fixed size: so the tensors can be
    /// placed behind a header that does not know their places yet.
    /// </summary>
    private byte[] ToMessagePack()
    {
        var buffer = new ArrayBufferWriter<byte>(1 << 20);
        var writer = new MessagePackWriter(buffer);
        writer.WriteMapHeader(5);
        writer.Write("version");
        writer.Write(PackedFormat.Version);
        writer.Write("model_hash");
        writer.Write(ModelHash);
        writer.Write("config");
        PackedConfig.Write(ref writer, Config);
        writer.Write("tokenizer");
        PackedVocabulary.Write(ref writer, Vocabulary);
        writer.Write("tensors");
        writer.WriteArrayHeader(Tensors.Count);
        foreach (PackedTensor tensor in Tensors) PackedTensorTable.Write(ref writer, tensor);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
