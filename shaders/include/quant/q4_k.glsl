// Q4_K: blocks of 256 columns, [block][32 words][64]: words 8g.. hold columns 64g.. in their low nibbles and 64g+32.. in the high ones;
// then [block][4 words][64], the header (k_scales.glsl). weight = d * scale * q - dmin * minimum.
// A unit is one group g of 64 columns: two scales, two minima.
#include "include/k_scales.glsl"
const uint UnitCols = 64u;
const uint UnitSteps = 8u;
const uint StepVecs = 2u;
const uint UnitGroups = 2u;
const bool HasOffset = true;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 4u;
const uint TileWords = Blocks * 64u * 36u;

struct Unit { uint firstWord; PairScales scales; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint block = unit / 4u, g = unit % 4u;
    return Unit(tile + (block * 32u + g * 8u) * 64u + row, load_pair_scales(stream, tile + Blocks * 2048u + block * 256u + row, g));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    return vec4[StepVecs](low_nibbles(word), low_nibbles(word >> 4));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(unit.scales.scale[group], -unit.scales.minimum[group]); }

uint step_column(uint stp, uint v) { return 4u * stp + 32u * v; }
