#include "include/kv/f32.glsl"

vec2 load_key(uint page, uint kvHead, uint pair, uint slot)
{
    const uint i = key_word(page, kvHead, pair, slot);
    return uintBitsToFloat(uvec2(keys[i], keys[i + PageTokens]));
}

vec2 load_value(uint page, uint kvHead, uint pair, uint slot)
{
    const uint i = value_word(page, kvHead, pair, slot);
    return uintBitsToFloat(uvec2(values[i], values[i + 1u]));
}
