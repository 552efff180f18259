namespace MixtralVk.Quantization;

/// <summary>What a level (a weight as a small integer) stands for, and so how its products with bytes of activations can be summed.</summary>
internal enum LevelSum
{
    /// <summary>(level - zero) * scale with |level - zero| up to 16: 16 bits hold the sum of 32 columns.</summary>
    Centred,
    /// <summary>level * scale + offset with levels up to 15: 16 bits hold the sum of 32 columns.</summary>
    Offset,
    /// <summary>level * scale + offset with levels up to 31: 16 bits hold the sum of 16 columns.</summary>
    OffsetHalves,
    /// <summary>(level - zero) * scale * half scale with |level - zero| up to 32: 16 bits hold the sum of 16 columns, which have a half scale.</summary>
    ScaledHalves,
    /// <summary>level * scale, the level a signed byte.</summary>
    Signed,
}

/// <summary>How a format multiplies with bytes of activations.</summary>
/// <param name="Sum">What a level stands for.</param>
/// <param name="Zero">The level that stands for zero.</param>
internal sealed record LevelCoding(LevelSum Sum, int Zero = 0);

/// <summary>How the levels of 32 columns lie in the words of a row.</summary>
internal enum LevelPacking
{
    /// <summary>A byte each: word w of eight has the columns 4w .. 4w + 3.</summary>
    Bytes,
    /// <summary>Word w of four has the columns 4w .. 4w + 3 in the low nibbles of its bytes, and 16 + 4w .. in the high ones.</summary>
    NibbleHalves,
    /// <summary>Word w of eight has the columns 4w .. 4w + 3 in the low nibbles of its bytes.</summary>
    LowNibbles,
    /// <summary>The same in the high nibbles; the panel before has the low ones.</summary>
    HighNibbles,
}

/// <summary>
/// 32 columns of a tile: where levels and scales lie, and memory of <see cref="Bytes"/> bytes, aligned to 64, for what lies nowhere yet.
/// A format whose panels share scales computes them with the first, and the others point there.
/// </summary>
internal unsafe struct LevelPanel(byte* memory)
{
    /// <summary>Bytes of memory.</summary>
    public const int Bytes = (2 * 8 + 8 + 8 + 2) * Rows * sizeof(int);

    private const int Rows = RowTileLayout.TileRows;

    /// <summary>How the levels lie in <see cref="Words"/>.</summary>
    public LevelPacking Packing;

    /// <summary>(8 or 4, 64)</summary>
    public int* Words = (int*)memory;

    /// <summary>(64): what all levels of a row are multiplied with.</summary>
    public float* Scales = (float*)memory + 16 * Rows;

    /// <summary>(64): what is added to every weight of a row, in formats that have offsets.</summary>
    public float* Offsets = (float*)memory + 24 * Rows;

    /// <summary>(2, 64): the half scales of columns 0 .. 15 and 16 .. 31, -128 .. 127, in both halves of a word; of <see cref="LevelSum.ScaledHalves"/> alone.</summary>
    public readonly int* HalfScales => (int*)memory + 32 * Rows;

    /// <summary>Room for the words of two panels.</summary>
    public readonly int* WordMemory => (int*)memory;

    /// <summary>Room for the scales of eight panels.</summary>
    public readonly float* ScaleMemory => (float*)memory + 16 * Rows;

    /// <summary>Room for the offsets of eight panels.</summary>
    public readonly float* OffsetMemory => (float*)memory + 24 * Rows;

    /// <summary>Makes the packing <see cref="LevelPacking.Bytes"/>; called for every panel of a tile in ascending order.</summary>
    public void UnpackNibbles()
    {
        if (Packing == LevelPacking.NibbleHalves) LevelWords.Nibbles(Words, 4, WordMemory);
        else if (Packing == LevelPacking.LowNibbles) LevelWords.Nibbles(Words, 8, WordMemory);
        else if (Packing == LevelPacking.Bytes) return;
        Words = WordMemory + (Packing == LevelPacking.HighNibbles ? 8 * Rows : 0);
        Packing = LevelPacking.Bytes;
    }
}
