#version 460
// to[i] = from[i]: what the memory of the device can move. Neighbouring lanes take neighbouring vec4s; each lane takes VecsPerLane of them,
// a whole grid apart.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint VecsPerLane = 1;
layout(std430, set = 0, binding = 0) readonly buffer From { uvec4 from[]; };
layout(std430, set = 0, binding = 1) writeonly buffer To { uvec4 to[]; };

void main()
{
    const uint lanes = gl_NumWorkGroups.x * 64u;
    for (uint i = 0u; i < VecsPerLane; ++i) to[i * lanes + gl_GlobalInvocationID.x] = from[i * lanes + gl_GlobalInvocationID.x];
}
