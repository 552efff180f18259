#include "include/kv/f32.glsl"

// Dimensions 2 * pair and 2 * pair + 1 of four tokens from slot on, a multiple of four.
void load_keys(uint page, uint kvHead, uint pair, uint slot, out vec4 even, out vec4 odd)
{
    const uint i = key_word(page, kvHead, pair, slot) / 4u;
    even = uintBitsToFloat(keys[i]);
    odd = uintBitsToFloat(keys[i + PageTokens / 4u]);
}

vec2 load_value(uint page, uint kvHead, uint pair, uint slot)
{
    const uint i = value_word(page, kvHead, pair, slot);
    return uintBitsToFloat(uvec2(values[i], values[i + 1u]));
}
