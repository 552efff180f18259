#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_spirv_intrinsics : require
// The same with packed 8-bit dot products: the activations are those of quantize_rows.
#include "matmul/matmul_head.glsl"
layout(std430, set = 0, binding = 7) readonly buffer Quants { uint quants[]; };
#include "include/dot_bytes.glsl"
#include "packed.glsl"
void main()
{
    #include "matmul/matmul_begin.glsl"
    #include "include/multiply_packed.glsl"
    #include "matmul/matmul_end.glsl"
}
