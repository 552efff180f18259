#version 460
// output[i] = input[i] * Factor + Offset; one invocation per element.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Factor = 1;
layout(set = 0, binding = 0) readonly buffer Input { uint input_[]; };
layout(set = 0, binding = 1) writeonly buffer Output { uint output_[]; };
layout(push_constant) uniform Push { uint count; uint offset; };

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i < count) output_[i] = input_[i] * Factor + offset;
}
