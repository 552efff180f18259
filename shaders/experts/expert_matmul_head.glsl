// For the entries e of one expert: output[e][firstRow + r] = sum over c of weights[r][c] * input[e / InputRowDivisor][c]
// weights: a range of tiles of the expert's matrix; input (entries / InputRowDivisor, Cols); output (entries, outputStride).
// RowsPerLane rows a lane, TokensPerPass entries a workgroup.
#include "include/product.glsl"
#include "include/expert_rows.glsl"
layout(std430, set = 0, binding = 2) readonly buffer Weights { uint w[]; };
layout(set = 0, binding = 3) uniform usamplerBuffer WeightTexels;
layout(std430, set = 0, binding = 4) readonly buffer Input { float x[]; };
layout(std140, set = 0, binding = 5) uniform InputBlock { vec4 xBlock[4096]; };
layout(set = 0, binding = 6) uniform samplerBuffer InputTexels;
layout(std430, set = 0, binding = 7) writeonly buffer Output { float y[]; };

const uint Matrices = 1u;
#define Streams RowsPerLane
shared float partial[AddsInWorkgroup ? Streams * TokensPerPass * Lanes : 1u];
shared float parts[PartsPerWorkgroup > 1u ? Streams * TokensPerPass * Lanes : 1u];

uint weight_storage(uint matrix, uint index) { return w[index]; }
uvec4 weight_texel(uint matrix, uint index) { return texelFetch(WeightTexels, int(index)); }
float activation_storage(uint index) { return x[index]; }
vec4 activation_uniform(uint index) { return xBlock[index]; }
vec4 activation_texel(uint index) { return texelFetch(InputTexels, int(index)); }

#include "include/bits.glsl"
#include "include/weights.glsl"
