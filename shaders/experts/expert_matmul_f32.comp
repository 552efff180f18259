#version 460
#extension GL_GOOGLE_include_directive : require
#include "experts/expert_matmul_head.glsl"
#include "include/quant/f32.glsl"
#include "experts/expert_matmul_main.glsl"
