#include "include/kv/f16.glsl"

vec2 load_key(uint page, uint kvHead, uint pair, uint slot) { return unpackHalf2x16(keys[key_word(page, kvHead, pair, slot)]); }
vec2 load_value(uint page, uint kvHead, uint pair, uint slot) { return unpackHalf2x16(values[value_word(page, kvHead, pair, slot)]); }
