// Q8_0 for packed dot products: the words as they are.
#include "include/quant/q8_0.glsl"

uint[StepVecs] packed_step(uint stream, Unit unit, uint stp) { return uint[StepVecs](weight_word(stream, unit.firstWord + stp * 64u)); }

int packed_scale(Unit unit, uint stp, uint v) { return 1; }
