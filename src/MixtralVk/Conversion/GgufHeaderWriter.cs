using System.Text;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>A tensor's entry in the header of a GGUF file; dimensions fastest first, the offset from the begin of the data.</summary>
internal readonly record struct GgufTensorEntry(string Name, GgmlType Type, IReadOnlyList<long> Dimensions, ulong Offset);

/// <summary>Writes the part of a GGUF file before its data, little-endian; ggml's docs/gguf.md describes it. Checks nothing.</summary>
internal static class GgufHeaderWriter
{
    /// <summary>Writes the header and pads it up to where the data begins.</summary>
    public static void Write(Stream stream, uint version, int alignment, GgufMetadata metadata, IReadOnlyList<GgufTensorEntry> tensors)
    {
        using var header = new MemoryStream();
        using (var writer = new BinaryWriter(header, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write("GGUF"u8);
            writer.Write(version);
            writer.Write((ulong)tensors.Count);
            writer.Write((ulong)metadata.Count);
            metadata.Write(writer);
            foreach (GgufTensorEntry tensor in tensors)
            {
                GgufMetadata.WriteText(writer, tensor.Name);
                writer.Write(tensor.Dimensions.Count);
                foreach (long dimension in tensor.Dimensions) writer.Write(dimension);
                writer.Write((uint)tensor.Type);
                writer.Write(tensor.Offset);
            }
            writer.Flush();
            header.Write(new byte[Padding(header.Position, alignment)]);
        }
        header.WriteTo(stream);
    }

    /// <summary>Zero bytes after <paramref name="length"/> bytes up to the next multiple of the alignment.</summary>
    public static int Padding(long length, int alignment) => (int)((alignment - length % alignment) % alignment);
}
