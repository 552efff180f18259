#version 460
#extension GL_GOOGLE_include_directive : require
// output[i] = silu(gate[i]) * up[i], silu(v) = v / (1 + exp(-v)). gate, up, output (rows * RowFactor, Cols); output may be gate.
// One lane per column, one row of workgroups per output row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Cols = 1;
layout(constant_id = 1) const uint RowFactor = 1;
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Gate { float gate[]; };
layout(std430, set = 0, binding = 2) readonly buffer Up { float up[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Output { float y[]; };

#include "include/silu.glsl"

void main()
{
    const uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (column >= Cols || row >= rowCount * RowFactor) return;
    const uint i = row * Cols + column;
    y[i] = silu(gate[i]) * up[i];
}
