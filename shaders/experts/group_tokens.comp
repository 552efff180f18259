#version 460
// Lists the entries (token * TopK + slot) of every expert in ascending order, and the indirect dispatches of its products.
//   ids [t][slot] = 2 0 / 0 1 / 2 1  ->  groups (count, offset) = (2, 0) (2, 2) (2, 4), entries = 1 2 / 3 5 / 0 4
// arguments (ExpertCount, 4): dispatch sizes of gate/up narrow, gate/up wide, down narrow, down wide. Up to a limit the
// narrow variant does the work and the wide one is zero, above that the other way round.
// Whatever the ids: one out of range belongs to no expert. One workgroup, one lane per expert.
const uint Lanes = 128u;
layout(local_size_x = Lanes) in;
layout(constant_id = 0) const uint ExpertCount = 1;
layout(constant_id = 1) const uint TopK = 1;
layout(constant_id = 2) const uint MaxRows = 1;
layout(constant_id = 3) const uint GateUpNarrowLimit = 1;
layout(constant_id = 4) const uint GateUpNarrowWorkgroups = 1;    // x of the dispatch
layout(constant_id = 5) const uint GateUpNarrowTokens = 1;    // entries of a workgroup in y
layout(constant_id = 6) const uint GateUpNarrowSplits = 1;    // z
layout(constant_id = 7) const uint GateUpWideWorkgroups = 1;
layout(constant_id = 8) const uint GateUpWideTokens = 1;
layout(constant_id = 9) const uint GateUpWideSplits = 1;
layout(constant_id = 10) const uint DownNarrowLimit = 1;
layout(constant_id = 11) const uint DownNarrowWorkgroups = 1;
layout(constant_id = 12) const uint DownNarrowTokens = 1;
layout(constant_id = 13) const uint DownNarrowSplits = 1;
layout(constant_id = 14) const uint DownWideWorkgroups = 1;
layout(constant_id = 15) const uint DownWideTokens = 1;
layout(constant_id = 16) const uint DownWideSplits = 1;
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Groups { uvec2 groups[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Entries { uint entries[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Arguments { uint arguments[]; };

shared uint counts[Lanes];

void write_dispatch(uint variant, uint count, uint x, uint tokens, uint splits)
{
    const uint i = (gl_LocalInvocationID.x * 4u + variant) * 3u, y = (count + tokens - 1u) / tokens;
    arguments[i] = count == 0u ? 0u : x;
    arguments[i + 1u] = y;
    arguments[i + 2u] = count == 0u ? 0u : splits;
}

void main()
{
    const uint expert = gl_LocalInvocationID.x;
    const uint entryCount = min(rowCount, MaxRows) * TopK;

    uint count = 0u;
    for (uint e = 0u; e < entryCount; ++e) count += ids[e] == expert ? 1u : 0u;
    counts[expert] = count;
    barrier();
    if (expert >= ExpertCount) return;

    uint offset = 0u;
    for (uint e = 0u; e < expert; ++e) offset += counts[e];
    groups[expert] = uvec2(count, offset);
    for (uint e = 0u; e < entryCount; ++e)
        if (ids[e] == expert) entries[offset++] = e;

    const uint gateUpNarrow = count <= GateUpNarrowLimit ? count : 0u, downNarrow = count <= DownNarrowLimit ? count : 0u;
    write_dispatch(0u, gateUpNarrow, GateUpNarrowWorkgroups, GateUpNarrowTokens, GateUpNarrowSplits);
    write_dispatch(1u, count - gateUpNarrow, GateUpWideWorkgroups, GateUpWideTokens, GateUpWideSplits);
    write_dispatch(2u, downNarrow, DownNarrowWorkgroups, DownNarrowTokens, DownNarrowSplits);
    write_dispatch(3u, count - downNarrow, DownWideWorkgroups, DownWideTokens, DownWideSplits);
}
