#version 460
#extension GL_GOOGLE_include_directive : require
// output[t][firstCol + c] (= or +=) sum over parts, ascending, of parts[part][t][firstCol + c]; Gated, gate's parts before up's:
// silu(sum of gate) * (sum of up). parts (PartCount or 2 PartCount, partStride), a part (rows, outputStride) at its start; output (rows, outputStride).
// One lane per column, one row of workgroups per row.
#include "include/silu.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint PartCount = 1;
layout(constant_id = 1) const bool Gated = false;
layout(constant_id = 2) const bool Accumulate = false;
layout(constant_id = 3) const uint RowFactor = 1;
layout(push_constant) uniform Push { uint firstCol; uint colCount; uint outputStride; uint partStride; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Parts { float parts[]; };
layout(std430, set = 0, binding = 2) buffer Output { float y[]; };

float sum_parts(uint first, uint index)
{
    precise float sum = parts[first * partStride + index];
    for (uint part = first + 1u; part < first + PartCount; ++part) sum += parts[part * partStride + index];
    return sum;
}

void main()
{
    const uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (column >= colCount || row >= rowCount * RowFactor) return;

    const uint i = row * outputStride + firstCol + column;
    const float sum = sum_parts(0u, i);
    const float result = Gated ? silu(sum) * sum_parts(PartCount, i) : sum;
    y[i] = Accumulate ? y[i] + result : result;
}
