// The cuts of each tile apart, for long contexts: one workgroup per (key/value head, block of its query heads), tile and cut.
// attention_merge adds them up. partials (rows, QueryHeads, MaxSplits, HeadDim + 2): most, total, sum.
#include "include/attention_head.glsl"
layout(constant_id = 7) const uint MaxSplits = 1;
layout(std430, set = 0, binding = 10) writeonly buffer Partials { float partials[]; };

#include "include/attention_cut.glsl"
