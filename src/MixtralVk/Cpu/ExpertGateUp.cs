using System.Numerics;
using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>SwiGLU of the chosen experts: hidden = silu(gate . x) * (up . x), silu(z) = z / (1 + exp(-z)).</summary>
internal static unsafe class ExpertGateUp
{
    /// <param name="threads">Work is split by experts in use and tiles of 64 hidden rows.</param>
    /// <param name="gate">One (hidden, dim) per expert, all of one shape and format.</param>
    /// <param name="up">One (hidden, dim) per expert.</param>
    /// <param name="groups">Who serves which token.</param>
    /// <param name="input">(tokens, dim)</param>
    /// <param name="hidden">(tokens, topK, hidden)</param>
    /// <param name="part">Which part of the rows.</param>
    /// <param name="parts">Into how many they are cut.</param>
    public static void Run(WorkerThreads threads, TiledMatrix* gate, TiledMatrix* up, in ExpertGroups groups,
        in ProductInput input, float* hidden,
        int part = 0, int parts = 1)
    {
        (int first, int count) = gate->Layout.PartTiles(part, parts);
        threads.Run(new Work(gate, up, groups, input, hidden, first, count), groups.ActiveCount * count);
    }

    private readonly struct Work(TiledMatrix* gate, TiledMatrix* up, ExpertGroups groups, ProductInput input, float* hidden,
        int firstTile, int tiles) : IWork
    {
        [SkipLocalsInit]
        public void Run(int item, int worker)
        {
            int expert = groups.Active[item / tiles], tile = firstTile + item % tiles;
            float* gateSums = stackalloc float[TileProduct.SumFloats], upSums = stackalloc float[TileProduct.SumFloats];
            int* inputRows = stackalloc int[TileProduct.MaxTokens];
            int rows = gate->Layout.Rows, rowsOfTile = gate->RowsOf(tile);
            for (int first = 0; first < groups.Counts[expert]; first += TileProduct.MaxTokens)
            {
                int* entries = groups.Entries + groups.Offsets[expert] + first;
                int count = Math.Min(TileProduct.MaxTokens, groups.Counts[expert] - first);
                for (int t = 0; t < count; t++) inputRows[t] = entries[t] / groups.TopK;
                input.Multiply(gate[expert], tile, up[expert].Tile(tile), inputRows, count, gateSums);
                input.Multiply(up[expert], tile, gate[expert].Tile(tile + 1), inputRows, count, upSums);
                SwiGlu(gateSums, upSums, count * RowTileLayout.TileRows);
                for (int t = 0; t < count; t++)
                    new ReadOnlySpan<float>(gateSums + t * RowTileLayout.TileRows, rowsOfTile)
                        .CopyTo(new Span<float>(hidden + (long)entries[t] * rows + tile * RowTileLayout.TileRows, rowsOfTile));
            }
        }

        private static void SwiGlu(float* gate, float* up, int count)
        {
            for (int i = 0; i < count; i += Vector<float>.Count)
            {
                Vector<float> z = Vector.Load(gate + i);
                (z / (Vector<float>.One + Vector.Exp(-z)) * Vector.Load(up + i)).Store(gate + i);
            }
        }
    }
}
