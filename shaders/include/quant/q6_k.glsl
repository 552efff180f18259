// Q6_K: blocks of 256 columns, [block][48 words][64]: 32 words of low nibbles, 16 words of upper bit pairs; then [block][4 words][64]:
// 16 signed 8-bit scales, one per 16 columns; then [block][64] f16 d. weight = d * scale * (q - 32).
// A unit is half a block, 128 columns; step i has columns 4i, 32+4i, 64+4i and 96+4i of it.
const uint UnitCols = 128u;
const uint UnitSteps = 8u;
const uint StepVecs = 4u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 2u;
const uint TileWords = (Blocks * 64u * 210u + 255u) / 256u * 64u;

struct Unit { uint lowWord; uint highWord; ivec2 scales; float d; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint block = unit / 2u, part = unit % 2u;
    const uint scales = tile + Blocks * 3072u + (block * 4u + part * 2u) * 64u + row;
    return Unit(tile + (block * 48u + part * 16u) * 64u + row, tile + (block * 48u + 32u + part * 8u) * 64u + row,
                ivec2(weight_word(stream, scales), weight_word(stream, scales + 64u)), weight_half(stream, tile + Blocks * 3328u + block * 32u, row));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint low0 = weight_word(stream, unit.lowWord + stp * 64u);
    const uint low1 = weight_word(stream, unit.lowWord + (stp + 8u) * 64u);
    const uint high = weight_word(stream, unit.highWord + stp * 64u);
    const int first = int(8u * (stp / 4u));                     // columns 0-15 or 16-31 of each run of 32
    const vec4 scale = vec4(bitfieldExtract(unit.scales.x, first, 8), bitfieldExtract(unit.scales.x, first + 16, 8),
                            bitfieldExtract(unit.scales.y, first, 8), bitfieldExtract(unit.scales.y, first + 16, 8));
    return vec4[StepVecs](scale.x * (bytes((low0 & 0x0f0f0f0fu) | ((high << 4) & 0x30303030u)) - 32.0),
                          scale.y * (bytes((low1 & 0x0f0f0f0fu) | ((high << 2) & 0x30303030u)) - 32.0),
                          scale.z * (bytes(((low0 >> 4) & 0x0f0f0f0fu) | (high & 0x30303030u)) - 32.0),
                          scale.w * (bytes(((low1 >> 4) & 0x0f0f0f0fu) | ((high >> 2) & 0x30303030u)) - 32.0));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(unit.d, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp + 32u * v; }
