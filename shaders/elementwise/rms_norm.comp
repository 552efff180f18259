#version 460
#extension GL_GOOGLE_include_directive : require
// output[t][c] = input[t][c] / sqrt(mean over c of input[t][c]^2 + epsilon) * weight[c]; a sum that is not finite puts site into status.
// input, output (rows, Cols); weight (Cols); status: the lowest site so far. One workgroup per row.
const uint Lanes = 128u;
layout(local_size_x = Lanes) in;
layout(constant_id = 0) const uint Cols = 1;
layout(push_constant) uniform Push { float epsilon; uint site; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 2) readonly buffer Weight { float weight[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Output { float y[]; };
layout(std430, set = 0, binding = 4) buffer Status { uint status; };

#include "include/finite.glsl"
#include "include/reduce.glsl"

void main()
{
    const uint row = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
    if (row >= rowCount) return;

    float squares = 0.0;
    for (uint c = lane; c < Cols; c += Lanes)
    {
        const float v = x[row * Cols + c];
        squares = fma(v, v, squares);
    }
    const float sum = workgroup_sum(squares);
    if (lane == 0u && !is_finite(sum)) atomicMin(status, site);

    const float scale = 1.0 / sqrt(sum / float(Cols) + epsilon);
    for (uint c = lane; c < Cols; c += Lanes) y[row * Cols + c] = x[row * Cols + c] * scale * weight[c];
}
