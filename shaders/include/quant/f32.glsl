// F32: blocks of one column, [column][64] floats. A unit is 16 columns, a step four of them.
const uint UnitCols = 16u;
const uint UnitSteps = 4u;
const uint StepVecs = 1u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint TileWords = Cols * 64u;

struct Unit { uint firstWord; uint firstColumn; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    return Unit(tile + unit * UnitCols * 64u + row, unit * UnitCols);
}

float load_weight(uint stream, Unit unit, uint column)
{
    if (Cols % UnitCols != 0u && unit.firstColumn + column >= Cols) return 0.0;
    return uintBitsToFloat(weight_word(stream, unit.firstWord + column * 64u));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    return vec4[StepVecs](vec4(load_weight(stream, unit, 4u * stp), load_weight(stream, unit, 4u * stp + 1u),
                               load_weight(stream, unit, 4u * stp + 2u), load_weight(stream, unit, 4u * stp + 3u)));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(1.0, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp; }
