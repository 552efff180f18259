// IQ4_XS: blocks of 256 columns, [block][34 words][64]: f16 d (low half) and the upper two bits of 8 scales (high half); their lower four
// bits; then 4 words for 32 columns, nibbles as in IQ4_NL. weight = d * (scale - 32) * table[q].
// A unit is 64 columns, two scales; a step has the columns of one word.
#include "include/nibble_table.glsl"
const uint UnitCols = 64u;
const uint UnitSteps = 8u;
const uint StepVecs = 2u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 4u;
const uint TileWords = Blocks * 64u * 34u;

struct Unit { uint firstWord; vec2 scales; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint first = tile + unit / 4u * 2176u + row, g = unit % 4u;
    const uint head = weight_word(stream, first), low4 = weight_word(stream, first + 64u) >> (8u * g), high2 = head >> (16u + 4u * g);
    const uvec2 scales = (uvec2(low4, low4 >> 4) & 15u) | ((uvec2(high2, high2 >> 2) & 3u) << 4);
    return Unit(first + (2u + 8u * g) * 64u, unpackHalf2x16(head).x * (vec2(scales) - 32.0));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    const float scale = stp < 4u ? unit.scales.x : unit.scales.y;
    return vec4[StepVecs](scale * table_values(word), scale * table_values(word >> 4));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(1.0, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp + 16u * (stp / 4u) + 16u * v; }
