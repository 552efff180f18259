// The values that nibbles of IQ4_NL and IQ4_XS stand for: -127 -104 -83 -65, -49 -35 -22 -10, 1 13 25 38, 53 69 89 113, a byte each.
float table_value(uint nibble)
{
    const uint lower = nibble < 4u ? 0xbfad9881u : 0xf6eaddcfu, upper = nibble < 12u ? 0x26190d01u : 0x71594535u;
    return float(bitfieldExtract(int(nibble < 8u ? lower : upper), int(8u * (nibble & 3u)), 8));
}

// Of the low nibbles of a word's bytes.
vec4 table_values(uint word)
{
    return vec4(table_value(word & 15u), table_value((word >> 8) & 15u), table_value((word >> 16) & 15u), table_value((word >> 24) & 15u));
}
