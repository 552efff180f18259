#version 460
#extension GL_GOOGLE_include_directive : require
// Of each 32 columns of input[t]: scale = max |input| / 127, q = round(input / scale), sum = scale * (sum of q); a block with a value that is not
// finite has a scale that is none. input (rows * RowFactor, Cols); quants (rows * RowFactor, 5/16 Cols) words: of a row Cols / 4 with four bytes q,
// then a scale and a sum for each block. One lane per block, one row of workgroups per row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Cols = 32;
layout(constant_id = 1) const uint RowFactor = 1;
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 2) writeonly buffer Quants { uint quants[]; };

#include "include/finite.glsl"

void main()
{
    const uint block = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (block >= Cols / 32u || row >= rowCount * RowFactor) return;

    const uint first = row * Cols + block * 32u, words = row * (Cols / 16u * 5u), header = words + Cols / 4u + block * 2u;
    float most = 0.0;
    bool finite = true;
    for (uint c = 0u; c < 32u; ++c)
    {
        const float v = x[first + c];
        finite = finite && is_finite(v);
        most = max(most, abs(v));
    }
    const float inverse = finite && most > 0.0 ? 127.0 / most : 0.0;
    int sum = 0;
    for (uint w = 0u; w < 8u; ++w)
    {
        uint word = 0u;
        for (uint c = 0u; c < 4u; ++c)
        {
            const int q = inverse == 0.0 ? 0 : clamp(int(roundEven(x[first + w * 4u + c] * inverse)), -127, 127);
            sum += q;
            word |= uint(q & 255) << (8u * c);
        }
        quants[words + block * 8u + w] = word;
    }
    const float scale = most / 127.0;
    const uint nan = 0x7fc00000u;
    quants[header] = finite ? floatBitsToUint(scale) : nan;
    quants[header + 1u] = finite ? floatBitsToUint(scale * float(sum)) : nan;
}
