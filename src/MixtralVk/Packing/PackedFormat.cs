using System.Numerics;
using System.Runtime.InteropServices;
using MixtralVk.Quantization;

namespace MixtralVk.Packing;

/// <summary>The constants of the packed container (docs/formats.md). Numbers are little-endian outside the MessagePack header.</summary>
internal static class PackedFormat
{
    /// <summary>Bytes before the header: magic, version, checksum, header length, file length.</summary>
    public const int PreambleBytes = 32;

    /// <summary>Version of the format; a reader refuses any other.</summary>
    public const uint Version = 1;

    /// <summary>
    /// Position and room of a tiled matrix are multiples of this: the largest <c>minImportedHostPointerAlignment</c> Vulkan allows, the
    /// granularity of mapped views on Windows, and a multiple of every page size in use.
    /// </summary>
    public const int TileAlignment = 1 << 16;

    /// <summary>Alignment of a tensor of plain floats.</summary>
    public const int FloatAlignment = 256;

    /// <summary>A header larger than this is refused; a vocabulary of four million tokens stays below.</summary>
    public const int MaxHeaderBytes = 1 << 28;

    /// <summary>A block under one checksum has at most so many bytes, unless a single tile is larger.</summary>
    public const int BlockBytes = 4 << 20;

    /// <summary>A byte no text has, the name, and line ends of both kinds, which a transfer as text would change.</summary>
    public static ReadOnlySpan<byte> Magic => [0x89, (byte)'M', (byte)'V', (byte)'K', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>
    /// CRC-32C (Castagnoli, RFC 3720) of <paramref name="bytes"/>, going on from <paramref name="checksum"/> of what came before. Every
    /// 64-bit processor computes it in hardware at several GB/s, and libraries in all languages have it.
    /// </summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes, uint checksum = 0)
    {
        uint crc = ~checksum;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
            crc = BitOperations.Crc32C(crc,
                BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word));
        foreach (byte last in bytes[(words.Length * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, last);
        return ~crc;
    }

    /// <summary>Number of a weight format in the file: that of the type in GGUF, which never changes.</summary>
    public static int IdOf(WeightFormat format) => (int)format;

    /// <summary>The format with a number, or null.</summary>
    public static WeightFormat? FormatOf(long id) =>
        id is >= 0 and <= int.MaxValue && Enum.IsDefined((WeightFormat)id) ? (WeightFormat)id : null;

    /// <summary><paramref name="value"/> rounded up to a multiple of <paramref name="alignment"/>.</summary>
    public static long Align(long value, int alignment) => (value + alignment - 1) / alignment * alignment;
}
