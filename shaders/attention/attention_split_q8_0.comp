#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention/attention_split_head.glsl"
#include "include/kv/q8_0_load.glsl"
#include "attention/attention_split_main.glsl"
