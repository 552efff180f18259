// All cuts in one workgroup, ascending: one workgroup per (key/value head, block of its query heads) and tile. The same arithmetic as split
// and merge. output (rows, QueryHeads * HeadDim)
#include "include/attention_head.glsl"
layout(std430, set = 0, binding = 10) writeonly buffer Output { float y[]; };

#include "include/attention_cut.glsl"
