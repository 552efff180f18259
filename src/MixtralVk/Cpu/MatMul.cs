using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>output[t, r] = sum over c of weights[r, c] * input[t, c], for one token (a matvec) or many.</summary>
internal static unsafe class MatMul
{
    /// <param name="threads">Work is split by tiles of 64 rows.</param>
    /// <param name="weights">(rows, cols)</param>
    /// <param name="input">(tokens, cols)</param>
    /// <param name="tokens">Rows of activations.</param>
    /// <param name="output">(tokens, rows)</param>
    /// <param name="accumulate">True adds to the output instead of replacing it: a residual connection.</param>
    /// <param name="part">Which part of the rows.</param>
    /// <param name="parts">Into how many they are cut.</param>
    public static void Run(WorkerThreads threads, in TiledMatrix weights, in ProductInput input, int tokens, float* output,
        bool accumulate = false,
        int part = 0, int parts = 1)
    {
        (int first, int count) = weights.Layout.PartTiles(part, parts);
        threads.Run(new Work(weights, input, tokens, output, accumulate, first), count);
    }

    private readonly struct Work(TiledMatrix weights, ProductInput input, int tokens, float* output, bool accumulate, int firstTile) : IWork
    {
        [SkipLocalsInit]
        public void Run(int item, int worker)
        {
            int tile = firstTile + item;
            float* sums = stackalloc float[TileProduct.SumFloats];
            int* inputRows = stackalloc int[TileProduct.MaxTokens];
            int rows = weights.Layout.Rows, rowsOfTile = weights.RowsOf(tile);
            for (int first = 0; first < tokens; first += TileProduct.MaxTokens)
            {
                int count = Math.Min(TileProduct.MaxTokens, tokens - first);
                for (int t = 0; t < count; t++) inputRows[t] = first + t;
                input.Multiply(weights, tile, weights.Tile(tile + 1), inputRows, count, sums);
                for (int t = 0; t < count; t++)
                {
                    float* from = sums + t * RowTileLayout.TileRows, to = output + (long)(first + t) * rows + tile * RowTileLayout.TileRows;
                    if (accumulate)
                        for (int r = 0; r < rowsOfTile; r++) to[r] += from[r];
                    else
                        new ReadOnlySpan<float>(from, rowsOfTile).CopyTo(new Span<float>(to, rowsOfTile));
                }
            }
        }
    }
}
