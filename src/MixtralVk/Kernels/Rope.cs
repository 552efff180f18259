using MixtralVk.Gpu;

namespace MixtralVk.Kernels;

/// <summary>
/// Rotates dimensions (2i, 2i+1), i &lt; RopeDim / 2, of every query and key head by the table's angle at the row's position, in place.
/// </summary>
/// <param name="Rows">First word: rows of this step.</param>
/// <param name="Positions">uint (rows).</param>
/// <param name="Table">float2 (position, RopeDim / 2): cosine and sine.</param>
/// <param name="Qkv">float (rows, (QueryHeads + 2 KvHeads) * HeadDim): query heads, key heads, value heads.</param>
/// <param name="QueryHeads">Number of query heads.</param>
/// <param name="KvHeads">Number of key (or value) heads.</param>
/// <param name="HeadDim">Length of a head; even.</param>
/// <param name="RopeDim">Leading dimensions of a head that are rotated; even.</param>
/// <param name="MaxRows">Most rows of a step.</param>
internal readonly record struct Rope(BufferView Rows, BufferView Positions, BufferView Table, BufferView Qkv,
    uint QueryHeads, uint KvHeads, uint HeadDim, uint RopeDim, uint MaxRows) : IKernel
{
    public string Shader => "attention/rope";

    public DispatchSize Workgroups => new(Grid.Cover((QueryHeads + KvHeads) * RopeDim / 2, 64), MaxRows);

    public void Bind(ref Bindings b)
    {
        b.Constant(QueryHeads);
        b.Constant(KvHeads);
        b.Constant(HeadDim);
        b.Constant(RopeDim);
        b.Read(Rows);
        b.Read(Positions);
        b.Read(Table);
        b.ReadWrite(Qkv);
    }
}
