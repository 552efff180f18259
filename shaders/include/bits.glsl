// Small integer fields of a word as floats, lowest byte first.
vec4 bytes(uint word) { return vec4(word & 255u, (word >> 8) & 255u, (word >> 16) & 255u, word >> 24); }

vec4 low_nibbles(uint word) { return bytes(word & 0x0f0f0f0fu); }
