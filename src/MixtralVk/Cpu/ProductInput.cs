using System.Runtime.CompilerServices;
using MixtralVk.Cpu.Bytes;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>
/// Rows of activations that matrices are multiplied with: as floats, and rounded to bytes for the formats that have
/// <see cref="BlockFormat.Levels"/>. A struct of pointers into memory that somebody else owns.
/// </summary>
/// <param name="floats">(rows, cols)</param>
/// <param name="blocks">(rows, <see cref="BlockStride"/>), filled by <see cref="QuantizeRows"/>; null where every product takes
/// floats.</param>
/// <param name="cols">Length of a row.</param>
/// <param name="product">Multiplies bytes.</param>
internal readonly unsafe struct ProductInput(float* floats, ActivationBlock* blocks, int cols, ByteProduct product)
{
    /// <summary>All rows as floats.</summary>
    public float* Floats => floats;

    /// <summary>All rows as bytes, or null.</summary>
    public ActivationBlock* Blocks => blocks;

    /// <summary>Length of a row.</summary>
    public int Cols => cols;

    /// <summary>
    /// Bytes from one row's blocks to the next one's: an odd number of cache lines, so that neighbouring rows do not fight for the same
    /// ones.
    /// </summary>
    public static long BlockStride(int cols) => ((long)cols / ActivationBlock.Cols * sizeof(ActivationBlock) + 63) / 64 * 64 | 64;

    /// <summary>A row's floats.</summary>
    public float* FloatsOf(int row) => floats + (long)row * cols;

    /// <summary>A row's blocks.</summary>
    public ActivationBlock* BlocksOf(int row) => (ActivationBlock*)((byte*)blocks + row * BlockStride(cols));

    /// <summary>sums[t][r] = sum over columns of tile[r][column] * this[rows[t]][column].</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="tile">Index of the tile.</param>
    /// <param name="next">The tile of this shape that the thread multiplies next, whose beginning is fetched meanwhile; any address where
    /// none does.</param>
    /// <param name="rows">A row of this input per token.</param>
    /// <param name="tokens">At most <see cref="TileProduct.MaxTokens"/>.</param>
    /// <param name="sums">(tokens, 64)</param>
    [SkipLocalsInit]
    public void Multiply(in TiledMatrix matrix, int tile, byte* next, int* rows, int tokens, float* sums)
    {
        void** inputs = stackalloc void*[TileProduct.MaxTokens];
        if (blocks != null && BlockFormat.Of(matrix.Layout.Format).Levels is { } levels)
        {
            for (int t = 0; t < tokens; t++) inputs[t] = BlocksOf(rows[t]);
            product.Run(matrix, levels, tile, next, (ActivationBlock**)inputs, tokens, sums);
        }
        else
        {
            for (int t = 0; t < tokens; t++) inputs[t] = FloatsOf(rows[t]);
            TileProduct.Run(matrix, tile, (float**)inputs, tokens, sums);
        }
    }
}
