#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention/rope_kv_write_head.glsl"
#include "include/kv/f32_store.glsl"
#include "attention/rope_kv_write_main.glsl"
