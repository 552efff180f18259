using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu;

/// <summary>The embedding rows of the tokens, dequantised.</summary>
internal static unsafe class EmbeddingRows
{
    /// <param name="threads">Work is split by tokens.</param>
    /// <param name="table">(vocab, dim)</param>
    /// <param name="tokens">Token ids, each in the vocabulary.</param>
    /// <param name="count">Number of tokens.</param>
    /// <param name="output">(count, dim)</param>
    /// <param name="status">Gets layer -1 when a row is not finite.</param>
    public static void Run(WorkerThreads threads, in TiledMatrix table, int* tokens, int count, float* output, int* status) =>
        threads.Run(new Work(table, tokens, output, status), count);

    private readonly struct Work(TiledMatrix table, int* tokens, float* output, int* status) : IWork
    {
        [SkipLocalsInit]
        public void Run(int item, int worker)
        {
            float* panel = stackalloc float[DequantizePanel.Floats];
            RowTileLayout layout = table.Layout;
            byte* tile = table.Tile(tokens[item] / RowTileLayout.TileRows);
            int row = tokens[item] % RowTileLayout.TileRows, group = row / DequantizePanel.RowGroup * DequantizePanel.RowGroup;
            float* to = output + (long)item * layout.Cols;
            for (int p = 0, col = 0; col < layout.Cols; p++, col += DequantizePanel.Cols)
            {
                DequantizePanel.Run(layout, tile, p, group, DequantizePanel.RowGroup, panel);
                int cols = Math.Min(DequantizePanel.Cols, layout.Cols - col);
                for (int c = 0; c < cols; c++) to[col + c] = panel[c * RowTileLayout.TileRows + row];
            }
            if (!Lanes.AllFinite(to, layout.Cols)) StepStatus.Report(status, -1);
        }
    }
}
