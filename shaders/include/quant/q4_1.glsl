// Q4_1: blocks of 32 columns, [block][5 words][64]: scale (low half) and offset (high half); then word w has columns 4w.. in the low nibbles
// of its bytes and 16+4w.. in the high ones. weight = scale * q + offset.
const uint UnitCols = 32u;
const uint UnitSteps = 4u;
const uint StepVecs = 2u;
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
    const vec4 scale = vec4(unit.scaleOffset.x), offset = vec4(unit.scaleOffset.y);
    return vec4[StepVecs](fma(scale, low_nibbles(word), offset), fma(scale, low_nibbles(word >> 4), offset));
}

uint step_column(uint stp, uint v) { return 4u * stp + 16u * v; }
