// Q4_K for packed dot products: nibbles as bytes.
#include "include/quant/q4_k.glsl"

uint[StepVecs] packed_step(uint stream, Unit unit, uint stp)
{
    const uint word = weight_word(stream, unit.firstWord + stp * 64u);
    return uint[StepVecs](word & 0x0f0f0f0fu, (word >> 4) & 0x0f0f0f0fu);
}

int packed_scale(Unit unit, uint stp, uint v) { return 1; }
