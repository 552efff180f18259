// False for NaN and infinity, whatever the compiler assumes about them: looks at the exponent bits.
bool is_finite(float v) { return (floatBitsToUint(v) & 0x7f800000u) != 0x7f800000u; }
