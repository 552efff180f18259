// output[t] = row tokenIds[t] of weights, where it lies in [firstRow, firstRow + rowCount); other rows are another range's work.
// weights: a range of tiles (vocabulary, Cols); output (rows, Cols). One workgroup per token, its lanes take units of columns in turn.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Cols = 1;
layout(push_constant) uniform Push { uint firstRow; uint rowCount; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint tokenCount; };
layout(std430, set = 0, binding = 1) readonly buffer TokenIds { uint tokenIds[]; };
layout(std430, set = 0, binding = 2) readonly buffer Weights { uint w[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Output { float y[]; };

uint weight_word(uint stream, uint index) { return w[index]; }
float weight_half(uint stream, uint first, uint row) { return unpackHalf2x16(w[first + row / 2u])[row & 1u]; }

#include "include/bits.glsl"
