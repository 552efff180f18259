#version 460
#extension GL_GOOGLE_include_directive : require
#include "embedding/embedding_rows_head.glsl"
#include "include/quant/q5_k.glsl"
#include "embedding/embedding_rows_main.glsl"
