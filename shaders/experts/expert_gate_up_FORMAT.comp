#version 460
#extension GL_GOOGLE_include_directive : require
#include "experts/expert_gate_up_head.glsl"
#include "format.glsl"
#include "experts/expert_gate_up_main.glsl"
