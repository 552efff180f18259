#version 460
// Rotates dimensions (2i, 2i+1), i < RopeDim / 2, of every query and key head by the angle of table[position][i] = (cos, sin), in place.
// qkv (rows, (QueryHeads + 2 KvHeads) * HeadDim): query heads, key heads, value heads. One lane per pair, one row of workgroups per row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint QueryHeads = 1;
layout(constant_id = 1) const uint KvHeads = 1;
layout(constant_id = 2) const uint HeadDim = 2;
layout(constant_id = 3) const uint RopeDim = 2;
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Positions { uint positions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Table { vec2 table[]; };
layout(std430, set = 0, binding = 3) buffer Qkv { float qkv[]; };

void main()
{
    const uint pairs = RopeDim / 2u, row = gl_WorkGroupID.y;
    if (gl_GlobalInvocationID.x >= (QueryHeads + KvHeads) * pairs || row >= rowCount) return;
    const uint head = gl_GlobalInvocationID.x / pairs, pair = gl_GlobalInvocationID.x % pairs;

    const vec2 turn = table[min(positions[row], uint(table.length()) / pairs - 1u) * pairs + pair];
    const uint i = row * (QueryHeads + 2u * KvHeads) * HeadDim + head * HeadDim + 2u * pair;
    const float a = qkv[i], b = qkv[i + 1u];
    qkv[i] = a * turn.x - b * turn.y;
    qkv[i + 1u] = a * turn.y + b * turn.x;
}
