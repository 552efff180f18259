#include "include/kv/f16.glsl"

void load_keys(uint page, uint kvHead, uint first, uint offset, uint slot, out vec4 even, out vec4 odd)
{
    const uvec4 words = key_words(key_word(page, kvHead, (first + offset) / 2u, slot) / 4u);
    const vec2 a = unpackHalf2x16(words.x), b = unpackHalf2x16(words.y), c = unpackHalf2x16(words.z), d = unpackHalf2x16(words.w);
    even = vec4(a.x, b.x, c.x, d.x);
    odd = vec4(a.y, b.y, c.y, d.y);
}

float value_scale(uint page, uint kvHead, uint dim, uint slot) { return 1.0; }

void load_values(uint page, uint kvHead, uint dim, uint slot, out vec4 low, out vec4 high)
{
    uvec4 words;
    if (HeadDim % 8u == 0u) words = value_words(value_word(page, kvHead, min(dim, HeadDim - 8u) / 2u, slot) / 4u);
    else
        [[unroll]] for (uint i = 0u; i < 4u; ++i)
        {
            const uint word = value_word(page, kvHead, min(dim / 2u + i, HeadDim / 2u - 1u), slot);
            words[i] = value_words(word / 4u)[word % 4u];
        }
    low = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
    high = vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w));
}
