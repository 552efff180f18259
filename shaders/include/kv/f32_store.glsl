#include "include/kv/f32.glsl"

void store_key(uint page, uint kvHead, uint pair, uint slot, vec2 v)
{
    const uint i = key_word(page, kvHead, pair, slot);
    keys[i] = floatBitsToUint(v.x);
    keys[i + PageTokens] = floatBitsToUint(v.y);
}

void store_value(uint page, uint kvHead, uint pair, uint slot, vec2 v)
{
    const uint i = value_word(page, kvHead, pair, slot);
    values[i] = floatBitsToUint(v.x);
    values[i + 1u] = floatBitsToUint(v.y);
}
