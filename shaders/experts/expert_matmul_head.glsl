// For the entries e of one expert: output[e][firstRow + r] = sum over c of weights[r][c] * input[e / InputRowDivisor][c]
// weights: a range of tiles of the expert's matrix; input (entries / InputRowDivisor, Cols); output (entries, outputStride).
// One lane per row of RowsPerLane tiles, one workgroup per RowsPerLane tiles and TokensPerPass entries.
#include "include/matmul_constants.glsl"
#include "include/expert_rows.glsl"
layout(std430, set = 0, binding = 2) readonly buffer Weights { uint w[]; };
layout(std430, set = 0, binding = 3) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Output { float y[]; };

#define Streams RowsPerLane
shared float partial[Streams * TokensPerPass * 64u];

uint weight_word(uint stream, uint index) { return w[index]; }
float activation(uint index) { return x[index]; }

#include "include/bits.glsl"
