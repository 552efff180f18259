// Q2_K: blocks of 256 columns, [block][21 words][64]: 16 bytes of scales (low nibbles) and minima (high nibbles), one per 16 columns; 16
// words of bit pairs; d (low half) and dmin (high half). weight = d * scale * q - dmin * minimum.
// A unit is half a block, 128 columns; step i has columns 4i, 32+4i, 64+4i and 96+4i of it.
const uint UnitCols = 128u;
const uint UnitSteps = 8u;
const uint StepVecs = 4u;
const uint UnitGroups = 1u;
const bool HasOffset = false;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 2u;
const uint TileWords = Blocks * 64u * 21u;

struct Unit { uint firstWord; uvec2 scales; vec2 d; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint block = tile + unit / 2u * 1344u + row, part = unit % 2u, scales = block + part * 128u;
    return Unit(block + (4u + part * 8u) * 64u, uvec2(weight_word(stream, scales), weight_word(stream, scales + 64u)),
                unpackHalf2x16(weight_word(stream, block + 1280u)));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    const uvec2 first = unit.scales >> (8u * (stp / 4u));       // columns 0-15 or 16-31 of each run of 32
    const uvec4 packed = uvec4(first.x, first.x >> 16, first.y, first.y >> 16);
    const vec4 scale = unit.d.x * vec4(packed & 15u), offset = -unit.d.y * vec4((packed >> 4) & 15u);
    return vec4[StepVecs](fma(vec4(scale.x), bytes(word & 0x03030303u), vec4(offset.x)),
                          fma(vec4(scale.y), bytes((word >> 2) & 0x03030303u), vec4(offset.y)),
                          fma(vec4(scale.z), bytes((word >> 4) & 0x03030303u), vec4(offset.z)),
                          fma(vec4(scale.w), bytes((word >> 6) & 0x03030303u), vec4(offset.w)));
}

vec2 unit_scale(Unit unit, uint group) { return vec2(1.0, 0.0); }

uint step_column(uint stp, uint v) { return 4u * stp + 32u * v; }
