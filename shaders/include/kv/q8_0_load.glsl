#include "include/kv/q8_0.glsl"

ivec4 keyQuads; // of four tokens: the dimensions loaded last
vec4 keyScale;  // of four tokens

void load_keys(uint page, uint kvHead, uint first, uint offset, uint slot, out vec4 even, out vec4 odd)
{
    if (offset == 0u && first % 32u == 0u)
    {
        const uvec4 words = key_words(scale_word(page, kvHead, first, slot) / 4u), halves = first % 64u == 0u ? words & 0xffffu : words >> 16;
        keyScale = vec4(unpackHalf2x16(halves.x | halves.y << 16), unpackHalf2x16(halves.z | halves.w << 16));
    }
    if (offset % 4u == 0u) keyQuads = ivec4(key_words(key_word(page, kvHead, (first + offset) / 4u, slot) / 4u));
    even = vec4(bitfieldExtract(keyQuads, int(offset % 4u * 8u), 8)) * keyScale;
    odd = vec4(bitfieldExtract(keyQuads, int(offset % 4u * 8u + 8u), 8)) * keyScale;
}

float value_scale(uint page, uint kvHead, uint dim, uint slot)
{
    const uint inside = min(dim, HeadDim - 1u), word = scale_word(page, kvHead, inside, slot);
    return unpackHalf2x16(value_words(word / 4u)[word % 4u])[inside / 32u % 2u];
}

void load_values(uint page, uint kvHead, uint dim, uint slot, out vec4 low, out vec4 high)
{
    uvec2 words;
    if (HeadDim % 8u == 0u)
    {
        const uint word = value_word(page, kvHead, min(dim, HeadDim - 8u) / 4u, slot);
        const uvec4 four = value_words(word / 4u);
        words = word % 4u == 0u ? four.xy : four.zw;
    }
    else
        [[unroll]] for (uint part = 0u; part < 2u; ++part)
        {
            const uint word = value_word(page, kvHead, min(dim / 4u + part, Quads - 1u), slot);
            words[part] = value_words(word / 4u)[word % 4u];
        }
    low = vec4(bitfieldExtract(ivec4(int(words.x)) >> ivec4(0, 8, 16, 24), 0, 8));
    high = vec4(bitfieldExtract(ivec4(int(words.y)) >> ivec4(0, 8, 16, 24), 0, 8));
}
