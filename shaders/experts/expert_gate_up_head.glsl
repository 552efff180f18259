// For the entries e of one expert, with h = input[e / InputRowDivisor]: output[e][firstRow + r] = silu(gate[r] . h) * (up[r] . h)
// silu(v) = v / (1 + exp(-v)). gate, up: the same range of tiles of both matrices; input (entries / InputRowDivisor, Cols);
// output (entries, outputStride). RowsPerLane rows a lane, TokensPerPass entries a workgroup.
#include "include/product.glsl"
#include "include/expert_rows.glsl"
#include "include/silu.glsl"
layout(std430, set = 0, binding = 2) readonly buffer Gate { uint gate[]; };
layout(set = 0, binding = 3) uniform usamplerBuffer GateTexels;
layout(std430, set = 0, binding = 4) readonly buffer Up { uint up[]; };
layout(set = 0, binding = 5) uniform usamplerBuffer UpTexels;
layout(std430, set = 0, binding = 6) readonly buffer Input { float x[]; };
layout(std140, set = 0, binding = 7) uniform InputBlock { vec4 xBlock[4096]; };
layout(set = 0, binding = 8) uniform samplerBuffer InputTexels;
layout(std430, set = 0, binding = 9) writeonly buffer Output { float y[]; };

// Streams 0 .. RowsPerLane - 1 are rows of gate, the others the same rows of up.
const uint Matrices = 2u;
const uint Streams = 2u * RowsPerLane;
shared float partial[AddsInWorkgroup ? Streams * TokensPerPass * Lanes : 1u];
shared float parts[PartsPerWorkgroup > 1u ? Streams * TokensPerPass * Lanes : 1u];

uint weight_storage(uint matrix, uint index) { return matrix == 0u ? gate[index] : up[index]; }
uvec4 weight_texel(uint matrix, uint index) { return matrix == 0u ? texelFetch(GateTexels, int(index)) : texelFetch(UpTexels, int(index)); }
float activation_storage(uint index) { return x[index]; }
vec4 activation_uniform(uint index) { return xBlock[index]; }
vec4 activation_texel(uint index) { return texelFetch(InputTexels, int(index)); }

#include "include/bits.glsl"
#include "include/weights.glsl"
