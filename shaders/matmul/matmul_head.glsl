// output[t][firstRow + r] (= or +=) sum over c of weights[r][c] * input[t][c]
// weights: a range of tiles, row-tile layout; input (rows, Cols); output (rows, outputStride), of which this range fills outputRows columns.
// RowsPerLane rows a lane, TokensPerPass input rows a workgroup. Column splits over workgroups leave parts, partStride floats apart, instead.
#include "include/product.glsl"
layout(constant_id = 10) const bool Accumulate = false;
layout(push_constant) uniform Push { uint outputRows; uint firstRow; uint outputStride; uint partStride; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Weights { uint w[]; };
layout(set = 0, binding = 2) uniform usamplerBuffer WeightTexels;
layout(std430, set = 0, binding = 3) readonly buffer Input { float x[]; };
layout(std140, set = 0, binding = 4) uniform InputBlock { vec4 xBlock[4096]; };
layout(set = 0, binding = 5) uniform samplerBuffer InputTexels;
layout(std430, set = 0, binding = 6) buffer Output { float y[]; };

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
