// BF16: blocks of two columns, [block][64] words, the even column in the low half; each is the upper half of a float. A unit is 16 columns,
// a step four of them.
const uint UnitCols = 16u;
const uint UnitSteps = 4u;
const uint StepVecs = 1u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Units = (Cols + UnitCols - 1u) / UnitCols;
const uint Blocks = (Cols + 1u) / 2u;
const uint TileWords = Blocks * 64u;

struct Unit { uint firstWord; uint firstBlock; };

Unit load_unit(uint stream, uint tile, uint unit, uint row) { return Unit(tile + unit * 512u + row, unit * 8u); }

vec2 load_pair(uint stream, Unit unit, uint block)
{
    if (Cols % UnitCols != 0u && unit.firstBlock + block >= Blocks) return vec2(0.0);
    const uint word = weight_word(stream, unit.firstWord + block * 64u);
    return vec2(uintBitsToFloat(word << 16), uintBitsToFloat(word & 0xffff0000u));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    return vec4[StepVecs](vec4(load_pair(stream, unit, 2u * stp), load_pair(stream, unit, 2u * stp + 1u)));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(1.0, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp; }
