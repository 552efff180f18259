#version 460
// Lists the entries (token * TopK + choice) of every expert that lies in a slot of device memory, ascending, and the indirect dispatches of its products.
//   ids [t][choice] = 2 0 / 0 1 / 2 1, slots = 0 1 2  ->  groups (count, offset) = (2, 0) (2, 2) (2, 4), entries = 1 2 / 3 5 / 0 4
// slots (ExpertCount): slot of each expert, slotCount or more for none. groups (slotCount), arguments (slotCount, 6): dispatch sizes of gate/up single,
// narrow, wide, down single, narrow, wide. Up to SingleLimit entries the single variant does the work, up to NarrowLimit the narrow one, above
// that the wide one; the others are zero.
// Whatever the ids: one out of range belongs to no expert. One workgroup, one lane per expert and then one per slot.
const uint Lanes = 128u;
layout(local_size_x = Lanes) in;
layout(constant_id = 0) const uint ExpertCount = 1;
layout(constant_id = 1) const uint TopK = 1;
layout(constant_id = 2) const uint MaxRows = 1;
// Workgroups: x of the dispatch; Tokens: entries of a workgroup in y; Splits: z.
layout(constant_id = 3) const uint GateUpSingleLimit = 1;
layout(constant_id = 4) const uint GateUpNarrowLimit = 1;
layout(constant_id = 5) const uint GateUpSingleTokens = 1;
layout(constant_id = 6) const uint GateUpSingleSplits = 1;
layout(constant_id = 7) const uint GateUpNarrowTokens = 1;
layout(constant_id = 8) const uint GateUpNarrowSplits = 1;
layout(constant_id = 9) const uint GateUpWideTokens = 1;
layout(constant_id = 10) const uint GateUpWideSplits = 1;
layout(constant_id = 11) const uint DownSingleLimit = 1;
layout(constant_id = 12) const uint DownNarrowLimit = 1;
layout(constant_id = 13) const uint DownSingleTokens = 1;
layout(constant_id = 14) const uint DownSingleSplits = 1;
layout(constant_id = 15) const uint DownNarrowTokens = 1;
layout(constant_id = 16) const uint DownNarrowSplits = 1;
layout(constant_id = 17) const uint DownWideTokens = 1;
layout(constant_id = 18) const uint DownWideSplits = 1;
// Not constants: other slots, or a step cut into other parts, need no other pipeline.
layout(push_constant) uniform Push
{
    uint slotCount;
    uint gateUpSingleWorkgroups, gateUpNarrowWorkgroups, gateUpWideWorkgroups;
    uint downSingleWorkgroups, downNarrowWorkgroups, downWideWorkgroups;
};
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 2) readonly buffer Slots { uint slots[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Groups { uvec2 groups[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Entries { uint entries[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Arguments { uint arguments[]; };

shared uint counts[Lanes];
shared uint residents[Lanes];   // the expert in each slot; ExpertCount or more for none

uint width_of(uint count, uint singleLimit, uint narrowLimit) { return count <= singleLimit ? 0u : count <= narrowLimit ? 1u : 2u; }

void write_dispatch(uint variant, uint count, uint x, uint tokens, uint splits)
{
    const uint i = (gl_LocalInvocationID.x * 6u + variant) * 3u, y = (count + tokens - 1u) / tokens;
    arguments[i] = count == 0u ? 0u : x;
    arguments[i + 1u] = y;
    arguments[i + 2u] = count == 0u ? 0u : splits;
}

void main()
{
    const uint lane = gl_LocalInvocationID.x;
    const uint entryCount = min(rowCount, MaxRows) * TopK;

    uint count = 0u;
    for (uint e = 0u; e < entryCount; ++e) count += ids[e] == lane ? 1u : 0u;
    counts[lane] = count;
    residents[lane] = ExpertCount;
    barrier();
    if (lane < ExpertCount && slots[lane] < min(slotCount, Lanes)) residents[slots[lane]] = lane;
    barrier();
    if (lane >= slotCount) return;

    const uint expert = residents[lane];
    count = expert < ExpertCount ? counts[expert] : 0u;
    uint offset = 0u;
    for (uint e = 0u; e < expert; ++e) offset += counts[e];
    groups[lane] = uvec2(count, offset);
    for (uint e = 0u; e < entryCount && count > 0u; ++e)
        if (ids[e] == expert) entries[offset++] = e;

    const uint gateUp = width_of(count, GateUpSingleLimit, GateUpNarrowLimit), down = width_of(count, DownSingleLimit, DownNarrowLimit);
    write_dispatch(0u, gateUp == 0u ? count : 0u, gateUpSingleWorkgroups, GateUpSingleTokens, GateUpSingleSplits);
    write_dispatch(1u, gateUp == 1u ? count : 0u, gateUpNarrowWorkgroups, GateUpNarrowTokens, GateUpNarrowSplits);
    write_dispatch(2u, gateUp == 2u ? count : 0u, gateUpWideWorkgroups, GateUpWideTokens, GateUpWideSplits);
    write_dispatch(3u, down == 0u ? count : 0u, downSingleWorkgroups, DownSingleTokens, DownSingleSplits);
    write_dispatch(4u, down == 1u ? count : 0u, downNarrowWorkgroups, DownNarrowTokens, DownNarrowSplits);
    write_dispatch(5u, down == 2u ? count : 0u, downWideWorkgroups, DownWideTokens, DownWideSplits);
}
