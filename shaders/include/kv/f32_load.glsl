#include "include/kv/f32.glsl"

void load_keys(uint page, uint kvHead, uint first, uint offset, uint slot, out vec4 even, out vec4 odd)
{
    const uint i = key_word(page, kvHead, (first + offset) / 2u, slot) / 4u;
    even = uintBitsToFloat(key_words(i));
    odd = uintBitsToFloat(key_words(i + PageTokens / 4u));
}

float value_scale(uint page, uint kvHead, uint dim, uint slot) { return 1.0; }

void load_values(uint page, uint kvHead, uint dim, uint slot, out vec4 low, out vec4 high)
{
    uvec4 words[2];
    [[unroll]] for (uint part = 0u; part < 2u; ++part)
        if (HeadDim % 4u == 0u) words[part] = value_words(value_word(page, kvHead, min(dim + 4u * part, HeadDim - 4u) / 2u, slot) / 4u);
        else
            [[unroll]] for (uint i = 0u; i < 4u; ++i)
            {
                const uint word = value_word(page, kvHead, 0u, slot) + min(dim + 4u * part + i, HeadDim - 1u);
                words[part][i] = value_words(word / 4u)[word % 4u];
            }
    low = uintBitsToFloat(words[0]);
    high = uintBitsToFloat(words[1]);
}
