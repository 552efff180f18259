#include "include/f16.glsl"
#include "include/kv/q8_0.glsl"

// The lanes of a word of scales are neighbours in a workgroup; those past the head's length have a share of zeros.
const uint LanesPerHead = ScaleWords * 32u, LanesPerScale = 16u;
shared uint magnitudes[gl_WorkGroupSize.x];
shared uint pairs[gl_WorkGroupSize.x];
shared uint scales[gl_WorkGroupSize.x / LanesPerScale];

void store(bool isStored, bool isKey, uint page, uint kvHead, uint pair, uint slot, vec2 v)
{
    // As integers: what is not finite is larger than all that is, and makes a scale that is not finite.
    const uint lane = gl_LocalInvocationID.x, block = lane / LanesPerScale;
    const uvec2 bits = floatBitsToUint(v) & 0x7fffffffu;
    magnitudes[lane] = max(bits.x, bits.y);
    barrier();
    uint most = 0u;
    for (uint i = 0u; i < LanesPerScale; ++i) most = max(most, magnitudes[block * LanesPerScale + i]);
    precise float exact = uintBitsToFloat(most) * (1.0 / 127.0);
    const uint scaleBits = to_half(exact);
    const float scale = unpackHalf2x16(scaleBits).x;
    const ivec2 quant = ivec2(scale == 0.0 ? vec2(0.0) : clamp(roundEven(v / scale), -127.0, 127.0)) & 0xff;
    pairs[lane] = uint(quant.x | quant.y << 8);
    scales[block] = scaleBits;
    barrier();
    if (!isStored) return;

    const uint quads = pairs[lane] | pairs[min(lane + 1u, gl_WorkGroupSize.x - 1u)] << 16, both = scales[block] | scales[min(block + 1u, scales.length() - 1u)] << 16;
    if (isKey)
    {
        if (pair % 2u == 0u) keys[key_word(page, kvHead, pair / 2u, slot)] = quads;
        if (pair % 32u == 0u) keys[scale_word(page, kvHead, 2u * pair, slot)] = both;
    }
    else
    {
        if (pair % 2u == 0u) values[value_word(page, kvHead, pair / 2u, slot)] = quads;
        if (pair % 32u == 0u) values[scale_word(page, kvHead, 2u * pair, slot)] = both;
    }
}
