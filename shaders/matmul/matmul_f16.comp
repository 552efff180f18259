#version 460
#extension GL_GOOGLE_include_directive : require
#include "matmul/matmul_head.glsl"
#include "include/quant/f16.glsl"
#include "matmul/matmul_main.glsl"
