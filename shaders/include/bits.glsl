// Small integer fields of a word as floats, lowest byte first.
vec4 bytes(uint word) { return vec4(word & 255u, (word >> 8) & 255u, (word >> 16) & 255u, word >> 24); }

vec4 low_nibbles(uint word) { return bytes(word & 0x0f0f0f0fu); }

// Four five-bit values: the low nibbles of a word's bytes, and above them its four lowest bits. The product makes four copies of these, at
// 4, 11, 18 and 25, that do not overlap: bit i of copy i is bit 4 of byte i.
vec4 five_bits(uint low, uint high) { return bytes((low & 0x0f0f0f0fu) | (((high & 15u) * 0x02040810u) & 0x10101010u)); }
