#version 460
#extension GL_GOOGLE_include_directive : require
#include "experts/expert_matmul_head.glsl"
#include "format.glsl"
#include "experts/expert_matmul_main.glsl"
