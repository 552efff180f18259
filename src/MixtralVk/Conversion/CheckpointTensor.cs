using System.Buffers;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>A tensor of a safetensors file, with the file.</summary>
internal readonly record struct StoredTensor(SafetensorsFile File, SafetensorsTensor Tensor);

/// <summary>
/// One matrix of a checkpoint, or one of each expert merged into one tensor. Query and key rows of Hugging Face files are put back into the
/// interleaved order: there RoPE turns column i of a head with column i + headDim / 2, and in GGUF files column 2i with 2i + 1.
/// </summary>
internal sealed class CheckpointTensor(string name, IReadOnlyList<long> dimensions, IReadOnlyList<StoredTensor> matrices,
    int halfSplitHeadDim = 0)
    : SourceTensor(name, dimensions)
{
    public override void ReadRows(long firstRow, int rowCount, Span<float> values)
    {
        byte[] scratch = ArrayPool<byte>.Shared.Rent(checked(rowCount * Cols * sizeof(float)));
        try
        {
            while (rowCount > 0)
            {
                StoredTensor matrix = matrices[(int)(firstRow / RowsPerMatrix)];
                long row = firstRow % RowsPerMatrix;
                int count = halfSplitHeadDim > 0 ? 1 : (int)Math.Min(rowCount, RowsPerMatrix - row);
                long stored = halfSplitHeadDim > 0 ? HalfSplitRow(row, halfSplitHeadDim) : row;
                matrix.File.Read(matrix.Tensor, stored * Cols, values[..(count * Cols)], scratch);
                values = values[(count * Cols)..];
                firstRow += count;
                rowCount -= count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    public override ModelFileException Error(string problem) => new(matrices[0].File.Path, $"tensor '{matrices[0].Tensor.Name}' {problem}");

    /// <summary>
    /// Where the half-split order keeps a row of the interleaved order: row 2i + k of a head is its row i + k * headDim / 2.
    /// </summary>
    internal static long HalfSplitRow(long row, int headDim)
    {
        long head = row / headDim, inHead = row % headDim;
        return head * headDim + inHead / 2 + inHead % 2 * (headDim / 2);
    }
}
