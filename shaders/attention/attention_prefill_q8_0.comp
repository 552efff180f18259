#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention/attention_prefill_head.glsl"
#include "include/kv/q8_0_load.glsl"
#include "attention/attention_prefill_main.glsl"
