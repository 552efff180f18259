#include "include/kv/f16.glsl"

// Dimensions 2 * pair and 2 * pair + 1 of four tokens from slot on, a multiple of four.
void load_keys(uint page, uint kvHead, uint pair, uint slot, out vec4 even, out vec4 odd)
{
    const uvec4 words = keys[key_word(page, kvHead, pair, slot) / 4u];
    const vec2 a = unpackHalf2x16(words.x), b = unpackHalf2x16(words.y), c = unpackHalf2x16(words.z), d = unpackHalf2x16(words.w);
    even = vec4(a.x, b.x, c.x, d.x);
    odd = vec4(a.y, b.y, c.y, d.y);
}

vec2 load_value(uint page, uint kvHead, uint pair, uint slot) { return unpackHalf2x16(values[value_word(page, kvHead, pair, slot)]); }
