#version 460
// The game's own work of a frame: ripples on a 512 x 512 pond, one invocation per cell.
layout(local_size_x = 8, local_size_y = 8) in;

layout(std430, binding = 0) buffer Pond { float height[]; };
layout(push_constant) uniform Frame { float time; };

void main() {
    uvec2 cell = gl_GlobalInvocationID.xy;
    vec2 at = vec2(cell) / 512.0;
    float sum = 0.0;
    for (int stone = 0; stone < 8; stone++) {
        vec2 from = fract(vec2(0.754877, 0.569840) * float(stone));
        float away = distance(at, from);
        sum += sin(away * 90.0 - time * 6.0) / (1.0 + 20.0 * away);
    }
    height[cell.y * 512 + cell.x] = sum;
}
