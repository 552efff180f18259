// Q5_1: blocks of 32 columns, [block][6 words][64]: scale (low half) and offset (high half); the fifth bits, bit c for column c; then word w
// has the other bits of columns 4w.. in the low nibbles of its bytes and of 16+4w.. in the high ones. weight = scale * q + offset.
const uint UnitCols = 32u;
const uint UnitSteps = 4u;
const uint StepVecs = 2u;
const uint UnitGroups = 1u;
const bool HasOffset = true;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = Units * 384u;

struct Unit { uint firstWord; uint fifthBits; vec2 scaleOffset; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint first = tile + unit * 384u + row;
    return Unit(first + 128u, weight_word(stream, first + 64u), unpackHalf2x16(weight_word(stream, first)));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u), high = unit.fifthBits >> (4u * stp);
    return vec4[StepVecs](five_bits(word, high), five_bits(word >> 4, high >> 16));
}

vec2 unit_scale(Unit unit, uint group) { return unit.scaleOffset; }

uint step_column(uint stp, uint v) { return 4u * stp + 16u * v; }
