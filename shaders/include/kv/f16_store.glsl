#include "include/f16.glsl"
#include "include/kv/f16.glsl"

void store_key(uint page, uint kvHead, uint pair, uint slot, vec2 v) { keys[key_word(page, kvHead, pair, slot)] = to_half2(v); }
void store_value(uint page, uint kvHead, uint pair, uint slot, vec2 v) { values[value_word(page, kvHead, pair, slot)] = to_half2(v); }
