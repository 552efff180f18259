using MixtralVk.Gpu;
using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>
/// <c>output[t][FirstRow + r] (= or +=) sum over c of weights[r][c] * input[t][c]</c>. With <paramref name="TokensPerPass"/> 1 it is the
/// matrix-vector product of decoding; every value gives the same bits.
/// </summary>
/// <param name="Format">Format of the weights.</param>
/// <param name="Weights">A range of tiles (OutputRows, Cols).</param>
/// <param name="Rows">First word: input rows of this step.</param>
/// <param name="Input">float (rows, Cols).</param>
/// <param name="Output">float (rows, OutputStride).</param>
/// <param name="Cols">Columns of the matrix.</param>
/// <param name="OutputRows">Rows of the matrix in the range.</param>
/// <param name="FirstRow">Column of the output that the range's first row fills.</param>
/// <param name="OutputStride">Length of an output row.</param>
/// <param name="TokensPerPass">Input rows of a workgroup: each weight is decoded once for so many; at most 16.</param>
/// <param name="Accumulate">Adds to the output instead of replacing it.</param>
/// <param name="MaxRows">Most input rows of a step.</param>
/// <param name="RowsPerLane">Tiles of a workgroup: each activation is loaded once for so many; RowsPerLane * TokensPerPass is at most 64.</param>
/// <param name="ColumnSplits">Runs the columns are cut into: 1 or 2.</param>
internal readonly record struct MatMul(WeightFormat Format, BufferView Weights, BufferView Rows, BufferView Input, BufferView Output,
    uint Cols, uint OutputRows, uint FirstRow, uint OutputStride, uint TokensPerPass, bool Accumulate, uint MaxRows,
    uint RowsPerLane = 1, uint ColumnSplits = 2) : IKernel
{
    /// <summary>The order this product adds in.</summary>
    public SummationOrder SummationOrder => new(ColumnSplits);

    public string Shader => Format switch
    {
        WeightFormat.F32 => "matmul/matmul_f32",
        WeightFormat.F16 => "matmul/matmul_f16",
        WeightFormat.Q8_0 => "matmul/matmul_q8_0",
        WeightFormat.Q4_0 => "matmul/matmul_q4_0",
        WeightFormat.Q4_K => "matmul/matmul_q4_k",
        WeightFormat.Q5_K => "matmul/matmul_q5_k",
        WeightFormat.Q6_K => "matmul/matmul_q6_k",
    };

    public DispatchSize Workgroups => new(Grid.CoverTiles(OutputRows, RowsPerLane), Grid.Cover(MaxRows, TokensPerPass));

    public void Bind(ref Bindings b)
    {
        b.Constant(ColumnSplits);
        b.Constant(RowsPerLane);
        b.Constant(TokensPerPass);
        b.Constant(Cols);
        b.Constant(Accumulate);
        b.Read(Rows);
        b.Read(Weights);
        b.Read(Input);
        b.ReadWrite(Output);
        b.Push(OutputRows);
        b.Push(FirstRow);
        b.Push(OutputStride);
    }
}
