using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>
/// <c>output[t] = weights[tokenIds[t]]</c> for the ids in [<paramref name="FirstRow"/>, FirstRow + <paramref name="RowCount"/>), the rows
/// of the bound range of tiles; one dispatch per range fills all rows.
/// </summary>
/// <param name="Format">Format of the embedding matrix.</param>
/// <param name="Weights">A range of its tiles (RowCount, Cols).</param>
/// <param name="Rows">First word: tokens of this step.</param>
/// <param name="TokenIds">uint (rows).</param>
/// <param name="Output">float (rows, Cols).</param>
/// <param name="Cols">Columns of the matrix.</param>
/// <param name="FirstRow">Row of the matrix the range begins with.</param>
/// <param name="RowCount">Rows of the matrix in the range.</param>
/// <param name="MaxRows">Most tokens of a step.</param>
internal readonly record struct EmbeddingRows(WeightFormat Format, BufferView Weights, BufferView Rows,
    BufferView TokenIds, BufferView Output,
    uint Cols, uint FirstRow, uint RowCount, uint MaxRows) : IKernel
{
    public string Shader => Format switch
    {
        WeightFormat.F32 => "embedding/embedding_rows_f32",
        WeightFormat.F16 => "embedding/embedding_rows_f16",
        WeightFormat.BF16 => "embedding/embedding_rows_bf16",
        WeightFormat.Q8_0 => "embedding/embedding_rows_q8_0",
        WeightFormat.Q4_0 => "embedding/embedding_rows_q4_0",
        WeightFormat.Q4_1 => "embedding/embedding_rows_q4_1",
        WeightFormat.Q5_0 => "embedding/embedding_rows_q5_0",
        WeightFormat.Q5_1 => "embedding/embedding_rows_q5_1",
        WeightFormat.Q2_K => "embedding/embedding_rows_q2_k",
        WeightFormat.Q3_K => "embedding/embedding_rows_q3_k",
        WeightFormat.Q4_K => "embedding/embedding_rows_q4_k",
        WeightFormat.Q5_K => "embedding/embedding_rows_q5_k",
        WeightFormat.Q6_K => "embedding/embedding_rows_q6_k",
        WeightFormat.IQ4_NL => "embedding/embedding_rows_iq4_nl",
        WeightFormat.IQ4_XS => "embedding/embedding_rows_iq4_xs",
    };

    public DispatchSize Workgroups => new(MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(Cols);
        b.Read(Rows);
        b.Read(TokenIds);
        b.Read(Weights);
        b.Write(Output);
        b.Push(FirstRow);
        b.Push(RowCount);
    }
}
