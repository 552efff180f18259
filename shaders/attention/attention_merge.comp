#version 460
#extension GL_GOOGLE_include_directive : require
// Merges the cuts that attention_split wrote, in ascending order: one workgroup per (head, row), one lane per pair of dimensions.
// partials (rows, QueryHeads, MaxSplits, HeadDim + 2): most, total, sum; output (rows, QueryHeads * HeadDim).
layout(local_size_x = 128) in;
layout(constant_id = 0) const uint QueryHeads = 1;
layout(constant_id = 1) const uint HeadDim = 2;
layout(constant_id = 2) const uint MaxSplits = 1;
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Positions { uint positions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Partials { float partials[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Output { float y[]; };

#include "include/attention_cut.glsl"

void main()
{
    const uint head = gl_WorkGroupID.x, row = gl_WorkGroupID.y, lane = gl_LocalInvocationID.x;
    if (row >= rowCount || lane >= HeadDim / 2u) return;

    const uint splits = min(positions[row] / CutKeys + 1u, MaxSplits);
    Cut whole = EmptyCut;
    for (uint split = 0u; split < splits; ++split)
    {
        const uint i = ((row * QueryHeads + head) * MaxSplits + split) * (HeadDim + 2u);
        whole = merge(whole, Cut(partials[i], partials[i + 1u], vec2(partials[i + 2u + 2u * lane], partials[i + 3u + 2u * lane])));
    }
    const vec2 result = attention_output(whole);
    const uint o = (row * QueryHeads + head) * HeadDim + 2u * lane;
    y[o] = result.x;
    y[o + 1u] = result.y;
}
