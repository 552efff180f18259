#include "include/kv/f32.glsl"

const uint LanesPerHead = HeadDim / 2u;

void store(bool isStored, bool isKey, uint page, uint kvHead, uint pair, uint slot, vec2 v)
{
    if (!isStored) return;
    const uvec2 bits = floatBitsToUint(v);
    if (isKey)
    {
        const uint i = key_word(page, kvHead, pair, slot);
        keys[i] = bits.x;
        keys[i + PageTokens] = bits.y;
    }
    else
    {
        const uint i = value_word(page, kvHead, pair, slot);
        values[i] = bits.x;
        values[i + 1u] = bits.y;
    }
}
