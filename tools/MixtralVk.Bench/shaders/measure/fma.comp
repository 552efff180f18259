#version 460
#extension GL_EXT_control_flow_attributes : require
// Rounds * 64 fused multiply-adds a lane in 16 chains, which hide the latency of one: what the arithmetic of the device can do.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Rounds = 1;
layout(std430, set = 0, binding = 0) readonly buffer Factors { float factor; float summand; };
layout(std430, set = 0, binding = 1) writeonly buffer Output { float result[]; };

void main()
{
    vec4 a = vec4(gl_GlobalInvocationID.x), b = a + 1.0, c = a + 2.0, d = a + 3.0;
    const vec4 f = vec4(factor), s = vec4(summand);
    for (uint i = 0u; i < Rounds; ++i)
        [[unroll]] for (uint j = 0u; j < 4u; ++j)
        {
            a = fma(a, f, s);
            b = fma(b, f, s);
            c = fma(c, f, s);
            d = fma(d, f, s);
        }
    const vec4 sum = a + b + c + d;
    result[gl_GlobalInvocationID.x] = sum.x + sum.y + sum.z + sum.w;
}
