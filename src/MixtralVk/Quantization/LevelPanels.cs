namespace MixtralVk.Quantization;

/// <summary>
/// What a level (a weight as a small integer) stands for, and so how its products with bytes of activations can be summed.
/// </summary>
internal enum LevelSum
{
    /// <summary>(level - zero) * scale with |level - zero| up to 16: 16 bits hold the sum of 32 columns.</summary>
    Centred,
    /// <summary>level * scale + offset with levels up to 15: 16 bits hold the sum of 32 columns.</summary>
    Offset,
    /// <summary>level * scale + offset with levels up to 31: 16 bits hold the sum of 16 columns.</summary>
    OffsetHalves,
    /// <summary>
    /// (level - zero) * scale * half scale with |level - zero| up to 32: 16 bits hold the sum of 16 columns, which have a half scale.
    /// </summary>
    ScaledHalves,
    /// <summary>level * scale, the level a signed byte.</summary>
    Signed,
}

/// <summary>How a format multiplies with bytes of activations.</summary>
/// <param name="Sum">What a level stands for.</param>
/// <param name="Zero">The level that stands for zero.</param>
internal sealed record LevelCoding(LevelSum Sum, int Zero = 0);

/// <summary>How the levels of panels lie in the words of a row.</summary>
internal enum LevelPacking
{
    /// <summary>A byte each: word w of eight has the columns 4w .. 4w + 3.</summary>
    Bytes,
    /// <summary>Word w of four has the columns 4w .. 4w + 3 in the low nibbles of its bytes, and 16 + 4w .. in the high ones.</summary>
    NibbleHalves,
    /// <summary>
    /// Two panels share eight words: word w has the columns 4w .. 4w + 3 of the even one in the low nibbles of its bytes, of the odd one in
    /// the high ones.
    /// </summary>
    NibblePairs,
}

/// <summary>
/// Some neighbouring panels (32 columns each) of a tile: where levels and scales lie, and memory of <see cref="Bytes"/> bytes, aligned to
/// 64, for what lies nowhere yet.
/// </summary>
internal unsafe struct LevelPanels(byte* memory)
{
    /// <summary>Most panels at once: 256 columns, the largest block.</summary>
    public const int Most = 8;

    /// <summary>Bytes of memory.</summary>
    public const int Bytes = Most * (8 + 1 + 1 + 2) * Rows * sizeof(int);

    private const int Rows = RowTileLayout.TileRows;

    /// <summary>How many panels there are.</summary>
    public int Count;

    /// <summary>How the levels lie in <see cref="Words"/>.</summary>
    public LevelPacking Packing;

    /// <summary>The first panel's words, (8 or 4, 64).</summary>
    public int* Words = (int*)memory;

    /// <summary>From one panel's words to the next one's; of two that share words, half the distance to the next two.</summary>
    public int WordStep = 8 * Rows;

    /// <summary>(64): what all levels of a row are multiplied with in the first panel.</summary>
    public float* Scales = (float*)memory + Most * 8 * Rows;

    /// <summary>From one panel's scales to the next one's: 0 where all have the same.</summary>
    public int ScaleStep = Rows;

    /// <summary>(panel, 64): what is added to every weight of a row, in formats that have offsets.</summary>
    public readonly float* Offsets => (float*)memory + Most * 9 * Rows;

    /// <summary>
    /// (panel, 2, 64): the half scales of columns 0 .. 15 and 16 .. 31, -128 .. 127, in both halves of a word; of
    /// <see cref="LevelSum.ScaledHalves"/> alone.
    /// </summary>
    public readonly int* HalfScales => (int*)memory + Most * 10 * Rows;

    /// <summary>Whether the words are copies: while these are multiplied nothing is read of the tile.</summary>
    public readonly bool AreCopies => Words == WordMemory;

    /// <summary>Room for the words of all panels, (panel, 8, 64).</summary>
    public readonly int* WordMemory => (int*)memory;

    /// <summary>Makes the packing <see cref="LevelPacking.Bytes"/>.</summary>
    public void UnpackNibbles()
    {
        if (Packing == LevelPacking.Bytes) return;
        bool pairs = Packing == LevelPacking.NibblePairs;
        for (int panel = 0; panel < Count; panel += pairs ? 2 : 1)
            LevelWords.Nibbles(Words + panel * WordStep, pairs ? 8 : 4, WordMemory + panel * 8 * Rows);
        Words = WordMemory;
        WordStep = 8 * Rows;
        Packing = LevelPacking.Bytes;
    }
}
