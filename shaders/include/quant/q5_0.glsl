// Q5_0: blocks of 32 columns, [block][5 words][64]: the fifth bits, bit c for column c; then word w has the other bits of columns 4w.. in the
// low nibbles of its bytes and of 16+4w.. in the high ones; then [block][64] f16 scales. weight = scale * (q - 16).
const uint UnitCols = 32u;
const uint UnitSteps = 4u;
const uint StepVecs = 2u;
const uint UnitGroups = 1u;
const bool HasOffset = true;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = (Units * 64u * 22u + 255u) / 256u * 64u;

struct Unit { uint firstWord; uint fifthBits; float scale; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint first = tile + unit * 320u + row;
    return Unit(first + 64u, weight_word(stream, first), weight_half(stream, tile + Units * 320u + unit * 32u, row));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u), high = unit.fifthBits >> (4u * stp);
    return vec4[StepVecs](five_bits(word, high), five_bits(word >> 4, high >> 16));
}

vec2 unit_scale(Unit unit, uint group) { return unit.scale * vec2(1.0, -16.0); }

uint step_column(uint stp, uint v) { return 4u * stp + 16u * v; }
