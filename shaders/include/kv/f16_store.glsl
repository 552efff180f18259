#include "include/f16.glsl"
#include "include/kv/f16.glsl"

const uint LanesPerHead = HeadDim / 2u;

void store(bool isStored, bool isKey, uint page, uint kvHead, uint pair, uint slot, vec2 v)
{
    if (!isStored) return;
    if (isKey) keys[key_word(page, kvHead, pair, slot)] = to_half2(v);
    else values[value_word(page, kvHead, pair, slot)] = to_half2(v);
}
