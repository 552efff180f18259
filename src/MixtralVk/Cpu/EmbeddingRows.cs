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
        public void Run(int item, int worker)
        {
            RowTileLayout layout = table.Layout;
            float* to = output + (long)item * layout.Cols;
            DequantizePanel.Row(layout, table.Tile(tokens[item] / RowTileLayout.TileRows), tokens[item] % RowTileLayout.TileRows, to);
            if (!Lanes.AllFinite(to, layout.Cols)) StepStatus.Report(status, -1);
        }
    }
}
