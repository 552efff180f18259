void main()
{
    const uint firstTile = gl_WorkGroupID.x * RowsPerLane, firstToken = gl_WorkGroupID.y * TokensPerPass;
    if (firstToken >= rowCount || firstTile * 64u >= outputRows) return;

    // Past the last tile or token the last one is read again and nothing written.
    uint tileStart[Streams], inputStart[TokensPerPass];
    [[unroll]] for (uint s = 0u; s < Streams; ++s) tileStart[s] = min(firstTile + s, (outputRows - 1u) / 64u) * TileWords;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) inputStart[t] = min(firstToken + t, rowCount - 1u) * Cols;

    #include "include/multiply.glsl"

    if (gl_LocalInvocationID.y != 0u) return;
    [[unroll]] for (uint s = 0u; s < Streams; ++s)
    {
        const uint row = (firstTile + s) * 64u + gl_LocalInvocationID.x;
        [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
            if (row < outputRows && firstToken + t < rowCount)
            {
                const uint i = (firstToken + t) * outputStride + firstRow + row;
                y[i] = Accumulate ? y[i] + acc[s * TokensPerPass + t] : acc[s * TokensPerPass + t];
            }
    }
}
