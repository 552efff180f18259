// Q8_0: blocks of 32 columns, [block][8 words][64]: four signed bytes a word; then [block][64] f16 scales. weight = scale * q.
const uint UnitCols = 32u;
const uint UnitSteps = 8u;
const uint StepVecs = 1u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = (Units * 64u * 34u + 255u) / 256u * 64u;

struct Unit { uint firstWord; float scale; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    return Unit(tile + unit * 512u + row, weight_half(stream, tile + Units * 512u + unit * 32u, row));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const int q = int(weight_word(stream, unit.firstWord + stp * 64u));
    return vec4[StepVecs](vec4(bitfieldExtract(q, 0, 8), bitfieldExtract(q, 8, 8), bitfieldExtract(q, 16, 8), q >> 24));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(unit.scale, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp; }
