// output[t][firstRow + r] (= or +=) sum over c of weights[r][c] * input[t][c]
// weights: a range of tiles, row-tile layout; input (rows, Cols); output (rows, outputStride), of which this range fills outputRows columns.
// One lane per row of RowsPerLane tiles, one workgroup per RowsPerLane tiles and TokensPerPass input rows.
#include "include/matmul_constants.glsl"
layout(constant_id = 4) const bool Accumulate = false;
layout(push_constant) uniform Push { uint outputRows; uint firstRow; uint outputStride; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Weights { uint w[]; };
layout(std430, set = 0, binding = 2) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 3) buffer Output { float y[]; };

#define Streams RowsPerLane
shared float partial[Streams * TokensPerPass * 64u];

uint weight_word(uint stream, uint index) { return w[index]; }
float activation(uint index) { return x[index]; }

#include "include/bits.glsl"
