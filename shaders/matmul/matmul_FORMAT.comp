#version 460
#extension GL_GOOGLE_include_directive : require
#include "matmul/matmul_head.glsl"
#include "format.glsl"
#include "matmul/matmul_main.glsl"
