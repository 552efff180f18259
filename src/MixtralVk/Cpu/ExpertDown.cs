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
    public static void Run(WorkerThreads threads, TiledMatrix* down, in ExpertGroups groups, in ProductInput hidden, float* output) =>
        threads.Run(new Work(down, groups, hidden, output), groups.ActiveCount * down->Layout.Tiles);

    private readonly struct Work(TiledMatrix* down, ExpertGroups groups, ProductInput hidden, float* output) : IWork
    {
        [SkipLocalsInit]
        public void Run(int item, int worker)
        {
            int tiles = down->Layout.Tiles, expert = groups.Active[item / tiles], tile = item % tiles;
            float* sums = stackalloc float[TileProduct.SumFloats];
            int rowsOfTile = down->RowsOf(tile);
            for (int first = 0; first < groups.Counts[expert]; first += TileProduct.MaxTokens)
            {
                int* entries = groups.Entries + groups.Offsets[expert] + first;
                int count = Math.Min(TileProduct.MaxTokens, groups.Counts[expert] - first);
                hidden.Multiply(down[expert], tile, entries, count, sums);
                for (int t = 0; t < count; t++)
                    new ReadOnlySpan<float>(sums + t * RowTileLayout.TileRows, rowsOfTile)
                        .CopyTo(new Span<float>(output + (long)entries[t] * down->Layout.Rows + tile * RowTileLayout.TileRows, rowsOfTile));
            }
        }
    }
}
