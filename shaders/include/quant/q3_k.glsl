// Q3_K: blocks of 256 columns, [block][27 words][64]: 8 words of third bits, bit b of their byte l for column 32b+l; 16 words of bit pairs;
// 3 words with 16 six-bit scales, one per 16 columns; then [block][64] f16 d. weight = d * (scale - 32) * (q - 4).
// A unit is half a block, 128 columns; step i has columns 4i, 32+4i, 64+4i and 96+4i of it.
const uint UnitCols = 128u;
const uint UnitSteps = 8u;
const uint StepVecs = 4u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 2u;
const uint TileWords = (Blocks * 64u * 110u + 255u) / 256u * 64u;

struct Unit { uint lowWord; uint highWord; uint highShift; uvec2 scales; float d; };

// Scale s has its low 4 bits in nibble s / 8 of byte s % 8 and its high 2 in bits 2 * (s / 4).. of byte 8 + s % 4.
Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint block = unit / 2u, part = unit % 2u, first = tile + block * 1728u + row, scales = first + 24u * 64u;
    const uvec2 low4 = uvec2(weight_word(stream, scales), weight_word(stream, scales + 64u)) >> (4u * part);
    const uint high2 = weight_word(stream, scales + 128u) >> (4u * part);
    return Unit(first + (8u + part * 8u) * 64u, first, 4u * part,
                (low4 & 0x0f0f0f0fu) | ((uvec2(high2, high2 >> 2) & 0x03030303u) << 4), weight_half(stream, tile + Blocks * 1728u + block * 32u, row));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint low = weight_word(stream, unit.lowWord + stp * 64u);
    const uint high = weight_word(stream, unit.highWord + stp * 64u) >> unit.highShift;
    const uvec2 first = unit.scales >> (8u * (stp / 4u));       // columns 0-15 or 16-31 of each run of 32
    const vec4 scale = vec4(uvec4(first.x, first.x >> 16, first.y, first.y >> 16) & 63u) - 32.0;
    return vec4[StepVecs](scale.x * (bytes((low & 0x03030303u) | ((high << 2) & 0x04040404u)) - 4.0),
                          scale.y * (bytes(((low >> 2) & 0x03030303u) | ((high << 1) & 0x04040404u)) - 4.0),
                          scale.z * (bytes(((low >> 4) & 0x03030303u) | (high & 0x04040404u)) - 4.0),
                          scale.w * (bytes(((low >> 6) & 0x03030303u) | ((high >> 1) & 0x04040404u)) - 4.0));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(unit.d, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp + 32u * v; }
