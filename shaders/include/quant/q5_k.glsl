// Q5_K: blocks of 256 columns, [block][40 words][64]: 8 words of upper bits, bit s of their byte l for column 32s+l; then 32 words of low
// nibbles as in Q4_K; then [block][4 words][64], the header (k_scales.glsl). weight = d * scale * q - dmin * minimum.
// A unit is one group g of 64 columns: two scales, two minima.
#include "include/k_scales.glsl"
const uint UnitCols = 64u;
const uint UnitSteps = 8u;
const uint StepVecs = 2u;
const uint UnitGroups = 2u;
const bool HasOffset = true;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 4u;
const uint TileWords = Blocks * 64u * 44u;

struct Unit { uint lowWord; uint highWord; uint highShift; PairScales scales; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint block = unit / 4u, g = unit % 4u, first = tile + block * 2560u + row;
    return Unit(first + (8u + g * 8u) * 64u, first, 2u * g, load_pair_scales(stream, tile + Blocks * 2560u + block * 256u + row, g));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint low = weight_word(stream, unit.lowWord + stp * 64u);
    const uint high = weight_word(stream, unit.highWord + stp * 64u) >> unit.highShift;
    return vec4[StepVecs](bytes((low & 0x0f0f0f0fu) | ((high << 4) & 0x10101010u)), bytes(((low >> 4) & 0x0f0f0f0fu) | ((high << 3) & 0x10101010u)));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(unit.scales.scale[group], -unit.scales.minimum[group]); }

uint step_column(uint stp, uint v) { return 4u * stp + 32u * v; }
