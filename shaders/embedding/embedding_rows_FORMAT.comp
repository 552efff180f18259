#version 460
#extension GL_GOOGLE_include_directive : require
#include "embedding/embedding_rows_head.glsl"
#include "format.glsl"
#include "embedding/embedding_rows_main.glsl"
