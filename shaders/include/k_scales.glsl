// The header of a block of Q4_K and Q5_K, four words 64 apart: d (low half) and dmin (high half), then 12 bytes with 8 six-bit scales and
// 8 six-bit minima, one pair for 32 columns.
struct PairScales { vec2 scale; vec2 minimum; };

// d * scale and dmin * minimum of the sub-blocks 2g and 2g + 1; header: index of this row's first word.
PairScales load_pair_scales(uint stream, uint header, uint g)
{
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
    return PairScales(d.x * vec2(sc), d.y * vec2(mn));
}
