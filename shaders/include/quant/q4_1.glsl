// Q4_1: blocks of 32 columns, [block][5 words][64]: scale (low half) and offset (high half); then word w has columns 4w.. in the low nibbles
// of its bytes and 16+4w.. in the high ones. weight = scale * q + offset.
const uint UnitCols = 32u;
const uint UnitSteps = 4u;
const uint StepVecs = 2u;
const uint UnitGroups = 1u;
const bool HasOffset = true;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = Units * 320u;

struct Unit { uint firstWord; vec2 scaleOffset; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint first = tile + unit * 320u + row;
    return Unit(first + 64u, unpackHalf2x16(weight_word(stream, first)));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    return vec4[StepVecs](low_nibbles(word), low_nibbles(word >> 4));
}

vec2 unit_scale(Unit unit, uint group) { return unit.scaleOffset; }

uint step_column(uint stp, uint v) { return 4u * stp + 16u * v; }
