// Q6_K for packed dot products: q - 32 as signed bytes; the scale of 16 columns is an integer.
#include "include/quant/q6_k.glsl"

// Of bytes below 64: 0x60 makes 0 - 31 and 32 - 63 differ in the sign bit, no byte carries into the next.
uint minus_32(uint q) { return (q + 0x60606060u) ^ 0x80808080u; }

uint[StepVecs] packed_step(uint stream, Unit unit, uint stp)
{
    const uint low0 = weight_word(stream, unit.lowWord + stp * 64u);
    const uint low1 = weight_word(stream, unit.lowWord + (stp + 8u) * 64u);
    const uint high = weight_word(stream, unit.highWord + stp * 64u);
    return uint[StepVecs](minus_32((low0 & 0x0f0f0f0fu) | ((high << 4) & 0x30303030u)),
                          minus_32((low1 & 0x0f0f0f0fu) | ((high << 2) & 0x30303030u)),
                          minus_32(((low0 >> 4) & 0x0f0f0f0fu) | (high & 0x30303030u)),
                          minus_32(((low1 >> 4) & 0x0f0f0f0fu) | ((high >> 2) & 0x30303030u)));
}

int packed_scale(Unit unit, uint stp, uint v)
{
    return bitfieldExtract(unit.scales[v / 2u], int(8u * (stp / 4u) + 16u * (v % 2u)), 8);
}
