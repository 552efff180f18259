#version 460
#extension GL_GOOGLE_include_directive : require
#include "matmul/matmul_head.glsl"
#include "include/quant/q5_k.glsl"
#include "matmul/matmul_main.glsl"
