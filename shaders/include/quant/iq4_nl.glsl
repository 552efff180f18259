// IQ4_NL: blocks of 32 columns, [block][4 words][64]: word w has columns 4w.. in the low nibbles of its bytes and 16+4w.. in the high
// ones; then [block][64] f16 scales. weight = scale * table[q].
#include "include/nibble_table.glsl"
const uint UnitCols = 32u;
const uint UnitSteps = 4u;
const uint StepVecs = 2u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = (Units * 64u * 18u + 255u) / 256u * 64u;

struct Unit { uint firstWord; float scale; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    return Unit(tile + unit * 256u + row, weight_half(stream, tile + Units * 256u + unit * 32u, row));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    return vec4[StepVecs](table_values(word), table_values(word >> 4));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(unit.scale, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp + 16u * v; }
