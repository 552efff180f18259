#version 460
// size = (ceil(count / 64), 1, 1): the arguments of an indirect dispatch; one invocation.
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) writeonly buffer Size { uint size[]; };
layout(push_constant) uniform Push { uint count; };

void main()
{
    size[0] = (count + 63) / 64;
    size[1] = 1;
    size[2] = 1;
}
