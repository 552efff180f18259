using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace MixtralVk.Quantization;

/// <summary>
/// The two moves every format's repacking is made of. They write whole runs of neighbouring rows, so that memory without a cache (a
/// GPU's, mapped for the CPU) is written in full lines.
/// </summary>
internal static unsafe class Transpose
{
    private const int Lanes = RowTileLayout.TileRows;
    private const int Group = 16;

    /// <summary>
    /// Words of each block into a section: <c>section[block][word][row] = source[row * rowBytes + block * blockBytes + 4 * word]</c>.
    /// </summary>
    public static void Words(byte* source, nint rowBytes, int rows, int blocks, int blockBytes, int words, byte* section)
    {
        for (int first = 0; first < rows; first += Group)
        {
            int count = Math.Min(Group, rows - first);
            byte* from = source + first * rowBytes;
            uint* to = (uint*)section + first;
            for (int block = 0; block < blocks; block++, from += blockBytes, to += words * Lanes)
            {
                int word = count == Group ? FourByFour(from, rowBytes, words, to) : 0;
                for (; word < words; word++)
                {
                    for (int row = 0; row < count; row++)
                        to[word * Lanes + row] = Unsafe.ReadUnaligned<uint>(from + row * rowBytes + word * sizeof(uint));
                }
            }
        }
    }

    /// <summary>
    /// One 16-bit number of each block into a section: <c>section[block][row] = source[row * rowBytes + block * blockBytes]</c>.
    /// </summary>
    public static void Halves(byte* source, nint rowBytes, int rows, int blocks, int blockBytes, byte* section)
    {
        for (int first = 0; first < rows; first += Group)
        {
            int count = Math.Min(Group, rows - first);
            byte* from = source + first * rowBytes;
            ushort* to = (ushort*)section + first;
            for (int block = 0; block < blocks; block++, from += blockBytes, to += Lanes)
            {
                for (int row = 0; row < count; row++) to[row] = Unsafe.ReadUnaligned<ushort>(from + row * rowBytes);
            }
        }
    }

    /// <summary>Sixteen rows in squares of 4 x 4 words; returns how many words were done, a multiple of 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FourByFour(byte* from, nint rowBytes, int words, uint* to)
    {
        if (!Sse2.IsSupported && !AdvSimd.Arm64.IsSupported) return 0;
        int word = 0;
        for (; word + 4 <= words; word += 4)
        {
            for (int row = 0; row < Group; row += 4)
            {
                byte* at = from + row * rowBytes + word * sizeof(uint);
                Vector128<uint> a = Vector128.Load((uint*)at), b = Vector128.Load((uint*)(at + rowBytes));
                Vector128<uint> c = Vector128.Load((uint*)(at + 2 * rowBytes)), d = Vector128.Load((uint*)(at + 3 * rowBytes));
                Vector128<ulong> lowAb = Low(a, b).AsUInt64(), lowCd = Low(c, d).AsUInt64();
                Vector128<ulong> highAb = High(a, b).AsUInt64(), highCd = High(c, d).AsUInt64();
                uint* corner = to + word * Lanes + row;
                Vector128.Store(Low(lowAb, lowCd).AsUInt32(), corner);
                Vector128.Store(High(lowAb, lowCd).AsUInt32(), corner + Lanes);
                Vector128.Store(Low(highAb, highCd).AsUInt32(), corner + 2 * Lanes);
                Vector128.Store(High(highAb, highCd).AsUInt32(), corner + 3 * Lanes);
            }
        }
        return word;
    }

    private static Vector128<uint> Low(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);
    private static Vector128<uint> High(Vector128<uint> a, Vector128<uint> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
    private static Vector128<ulong> Low(Vector128<ulong> a, Vector128<ulong> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);
    private static Vector128<ulong> High(Vector128<ulong> a, Vector128<ulong> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
