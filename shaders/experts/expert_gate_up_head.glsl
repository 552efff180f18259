// For the entries e of one expert, with h = input[e / InputRowDivisor]: output[e][firstRow + r] = silu(gate[r] . h) * (up[r] . h)
// silu(v) = v / (1 + exp(-v)). gate, up: the same range of tiles of both matrices; input (entries / InputRowDivisor, Cols);
// output (entries, outputStride). One lane per row of RowsPerLane tiles, one workgroup per RowsPerLane tiles and TokensPerPass entries.
#include "include/matmul_constants.glsl"
#include "include/expert_rows.glsl"
#include "include/silu.glsl"
layout(std430, set = 0, binding = 2) readonly buffer Gate { uint gate[]; };
layout(std430, set = 0, binding = 3) readonly buffer Up { uint up[]; };
layout(std430, set = 0, binding = 4) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Output { float y[]; };

// Streams 0 .. RowsPerLane - 1 are rows of gate, the others the same rows of up.
const uint Streams = 2u * RowsPerLane;
shared float partial[Streams * TokensPerPass * 64u];

uint weight_word(uint stream, uint index) { return stream < RowsPerLane ? gate[index] : up[index]; }
float activation(uint index) { return x[index]; }

#include "include/bits.glsl"
