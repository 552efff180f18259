#version 460
#extension GL_GOOGLE_include_directive : require
// Puts site into status where any of input[t] is not finite. input (rows, Cols); status: the lowest site so far. One workgroup per row.
layout(local_size_x = 128) in;
layout(constant_id = 0) const uint Cols = 1;
layout(push_constant) uniform Push { uint site; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 2) buffer Status { uint status; };

#include "include/finite.glsl"

void main()
{
    const uint row = gl_WorkGroupID.x;
    if (row >= rowCount) return;

    bool finite = true;
    for (uint c = gl_LocalInvocationID.x; c < Cols; c += gl_WorkGroupSize.x) finite = finite && is_finite(x[row * Cols + c]);
    if (!finite) atomicMin(status, site);
}
