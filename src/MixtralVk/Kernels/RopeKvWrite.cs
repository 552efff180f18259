using MixtralVk.Gpu;
using MixtralVk.Model;

namespace MixtralVk.Kernels;

/// <summary>
/// Rotates dimensions (2i, 2i+1), i &lt; RopeDim / 2, of every query and key head by the table's angle at the row's position, queries in
/// place; keys and values go into the page of that position (layout: docs/design.md).
/// </summary>
/// <param name="KvFormat">Format of the pools.</param>
/// <param name="Rows">First word: rows of this step.</param>
/// <param name="Positions">uint (rows).</param>
/// <param name="Owners">uint (rows): index of the row's sequence.</param>
/// <param name="PageTables">uint (sequences, MaxPages): page of each 32 positions.</param>
/// <param name="Table">float2 (position, RopeDim / 2): cosine and sine.</param>
/// <param name="Qkv">float (rows, (QueryHeads + 2 KvHeads) * HeadDim): query heads, key heads, value heads.</param>
/// <param name="Keys">The layer's key pool.</param>
/// <param name="Values">The layer's value pool.</param>
/// <param name="QueryHeads">Number of query heads.</param>
/// <param name="KvHeads">Number of key (or value) heads; divides QueryHeads.</param>
/// <param name="HeadDim">Length of a head; even, at most 256.</param>
/// <param name="RopeDim">Leading dimensions of a head that are rotated; even.</param>
/// <param name="MaxPages">Length of a page table.</param>
/// <param name="MaxRows">Most rows of a step.</param>
internal readonly record struct RopeKvWrite(KvFormat KvFormat, BufferView Rows, BufferView Positions, BufferView Owners,
    BufferView PageTables,
    BufferView Table, BufferView Qkv, BufferView Keys, BufferView Values, uint QueryHeads, uint KvHeads, uint HeadDim, uint RopeDim,
    uint MaxPages, uint MaxRows) : IKernel
{
    public string Shader => KvFormat switch
    {
        KvFormat.F16 => "attention/rope_kv_write_f16",
        KvFormat.F32 => "attention/rope_kv_write_f32",
        KvFormat.Q8_0 => "attention/rope_kv_write_q8_0",
    };

    public DispatchSize Workgroups => new(Grid.Cover((QueryHeads + 2 * KvHeads) * LanesPerHead, 64), MaxRows);

    /// <summary>A lane has two dimensions. Those that share a word of scales lie in one workgroup.</summary>
    private uint LanesPerHead => KvFormat == KvFormat.Q8_0 ? (uint)(KvLayout.ScaleWords((int)HeadDim) * KvLayout.ScaleDims) : HeadDim / 2;

    public void Bind(ref Bindings b)
    {
        b.Constant(QueryHeads);
        b.Constant(KvHeads);
        b.Constant(HeadDim);
        b.Constant(RopeDim);
        b.Read(Rows);
        b.Read(Positions);
        b.Read(Owners);
        b.Read(PageTables);
        b.Read(Table);
        b.ReadWrite(Qkv);
        b.Write(Keys);
        b.Write(Values);
        b.Push(MaxPages);
    }
}
