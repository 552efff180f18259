#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention/rope_kv_write_head.glsl"
#include "include/kv/q8_0_store.glsl"
#include "attention/rope_kv_write_main.glsl"
