// Q4_K: blocks of 256 columns, [block][32 words][64]: words 8g.. hold columns 64g.. in their low nibbles and 64g+32.. in the high ones;
// then [block][4 words][64]: d (low half) and dmin (high half), and 12 bytes with 8 six-bit scales and 8 six-bit minima.
// weight = d * scale * q - dmin * minimum. A unit is one group g of 64 columns: two scales, two minima.
const uint UnitCols = 64u;
const uint UnitSteps = 8u;
const uint StepVecs = 2u;
const uint Blocks = (Cols + 255u) / 256u;
const uint Units = Blocks * 4u;
const uint TileWords = Blocks * 64u * 36u;

struct Unit { uint firstWord; vec2 scale; vec2 minimum; };

Unit load_unit(uint stream, uint tile, uint unit, uint row)
{
    const uint block = unit / 4u, g = unit % 4u;
    const uint header = tile + Blocks * 2048u + block * 256u + row;
    const vec2 d = unpackHalf2x16(weight_word(stream, header));
    const uint scales0 = weight_word(stream, header + 64u);     // bytes 0-3: scales 0-3, upper bits of scales 4-7
    const uint minima0 = weight_word(stream, header + 128u);    // bytes 4-7: minima 0-3, upper bits of minima 4-7
    const uint low4 = weight_word(stream, header + 192u);       // bytes 8-11: low nibbles of scales and minima 4-7
    const uint shift = 16u * (g & 1u);                          // sub-blocks 2g and 2g+1 are two neighbouring bytes
    const uint s = scales0 >> shift, m = minima0 >> shift, l = low4 >> shift;
    uvec2 sc, mn;
    if (g < 2u)
    {
        sc = uvec2(s & 63u, (s >> 8) & 63u);
        mn = uvec2(m & 63u, (m >> 8) & 63u);
    }
    else
    {
        sc = uvec2((l & 15u) | ((s >> 2) & 48u), ((l >> 8) & 15u) | ((s >> 10) & 48u));
        mn = uvec2(((l >> 4) & 15u) | ((m >> 2) & 48u), ((l >> 12) & 15u) | ((m >> 10) & 48u));
    }
    return Unit(tile + (block * 32u + g * 8u) * 64u + row, d.x * vec2(sc), d.y * vec2(mn));
}

vec4[StepVecs] decode_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    return vec4[StepVecs](fma(vec4(unit.scale.x), low_nibbles(word), vec4(-unit.minimum.x)),
                          fma(vec4(unit.scale.y), low_nibbles(word >> 4), vec4(-unit.minimum.y)));
}

uint step_column(uint stp, uint v) { return 4u * stp + 32u * v; }
