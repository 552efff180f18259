#version 460
#extension GL_GOOGLE_include_directive : require
// output[t][firstCol + c] (= or +=) sum over runs, ascending, of runs[run][t][firstCol + c]; Gated, gate's runs before up's:
// silu(sum of gate) * (sum of up). runs (RunCount or 2 RunCount, runStride), a run (rows, outputStride) at its start; output (rows, outputStride).
// One lane per column, one row of workgroups per row.
#include "include/silu.glsl"
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint RunCount = 1;
layout(constant_id = 1) const bool Gated = false;
layout(constant_id = 2) const bool Accumulate = false;
layout(constant_id = 3) const uint RowFactor = 1;
layout(push_constant) uniform Push { uint firstCol; uint colCount; uint outputStride; uint runStride; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Runs { float runs[]; };
layout(std430, set = 0, binding = 2) buffer Output { float y[]; };

float sum_runs(uint first, uint index)
{
    precise float sum = runs[first * runStride + index];
    for (uint run = first + 1u; run < first + RunCount; ++run) sum += runs[run * runStride + index];
    return sum;
}

void main()
{
    const uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (column >= colCount || row >= rowCount * RowFactor) return;

    const uint i = row * outputStride + firstCol + column;
    const float sum = sum_runs(0u, i);
    const float result = Gated ? silu(sum) * sum_runs(RunCount, i) : sum;
    y[i] = Accumulate ? y[i] + result : result;
}
