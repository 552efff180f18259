// IQ4_NL: blocks of 32 columns, [block][4 words][64]: word w has columns 4w.. in the low nibbles of its bytes and 16+4w.. in the high
// ones; then [block][64] f16 scales. weight = scale * table[q].
#include "include/nibble_table.glsl"
const uint UnitCols = 32u;
const uint UnitSteps = 4u;
const uint StepVecs = 2u;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = (Units * 64u * 18u + 255u) / 256u * 64u;

struct Unit { uint firstWord; float scale; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const vec2 scales = unpackHalf2x16(weight_word(stream, tile + Units * 256u + unit * 32u + row / 2u));
    return Unit(tile + unit * 256u + row, (row & 1u) == 0u ? scales.x : scales.y);
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    return vec4[StepVecs](unit.scale * table_values(word), unit.scale * table_values(word >> 4));
}

uint step_column(uint stp, uint v) { return 4u * stp + 16u * v; }
