// f32 to f16 bits, to nearest even: packHalf2x16 leaves the rounding to the driver, and stored keys must be the same everywhere.
uint to_half(float v)
{
    const uint bits = floatBitsToUint(v), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | 0x7e00u;                     // NaN
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u;                    // 65520 and above round to infinity
    if (magnitude >= 0x38800000u)                                           // normal: drop 13 bits, move the exponent's bias
        return sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13);
    if (magnitude <= 0x33000000u) return sign;                              // 2^-25 and below round to zero
    const uint shift = 126u - (magnitude >> 23);                            // denormal: the mantissa in units of 2^-24
    const uint mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    const uint units = mantissa >> shift, rest = mantissa & ((1u << shift) - 1u), middle = 1u << (shift - 1u);
    return sign | (units + ((rest > middle || rest == middle && (units & 1u) == 1u) ? 1u : 0u));
}

uint to_half2(vec2 v) { return to_half(v.x) | (to_half(v.y) << 16); }
