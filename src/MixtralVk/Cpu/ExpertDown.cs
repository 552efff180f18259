using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>Down projection of the chosen experts: output = down . hidden, one row per (token, slot).</summary>
internal static unsafe class ExpertDown
{
    /// <param name="threads">Work is split by experts in use and tiles of 64 output rows.</param>
    /// <param name="down">One (dim, hidden) per expert, all of one shape and format.</param>
    /// <param name="groups">Who serves which token.</param>
    /// <param name="hidden">(tokens, topK, hidden)</param>
    /// <param name="output">(tokens, topK, dim)</param>
    /// <param name="part">Which part of the rows.</param>
    /// <param name="parts">Into how many they are cut.</param>
    public static void Run(WorkerThreads threads, TiledMatrix* down, in ExpertGroups groups, in ProductInput hidden, float* output,
        int part = 0, int parts = 1)
    {
        (int first, int count) = down->Layout.PartTiles(part, parts);
        threads.Run(new Work(down, groups, hidden, output, first, count), groups.ActiveCount * count);
    }

    private readonly struct Work(TiledMatrix* down, ExpertGroups groups, ProductInput hidden, float* output, int firstTile, int tiles)
        : IWork
    {
        [SkipLocalsInit]
        public void Run(int item, int worker)
        {
            int expert = groups.Active[item / tiles], tile = firstTile + item % tiles;
            float* sums = stackalloc float[TileProduct.SumFloats];
            int rowsOfTile = down->RowsOf(tile);
            for (int first = 0; first < groups.Counts[expert]; first += TileProduct.MaxTokens)
            {
                int* entries = groups.Entries + groups.Offsets[expert] + first;
                int count = Math.Min(TileProduct.MaxTokens, groups.Counts[expert] - first);
                hidden.Multiply(down[expert], tile, down[expert].Tile(tile + 1), entries, count, sums);
                for (int t = 0; t < count; t++)
                    new ReadOnlySpan<float>(sums + t * RowTileLayout.TileRows, rowsOfTile)
                        .CopyTo(new Span<float>(output + (long)entries[t] * down->Layout.Rows + tile * RowTileLayout.TileRows, rowsOfTile));
            }
        }
    }
}
