    // Part of main(): which weights and which rows this workgroup reads. Past the last tile or entry the last one is read again and
    // nothing written.
    const uint count = groups[expert].x, offset = groups[expert].y;
    const uint firstTile = gl_WorkGroupID.x * RowsPerLane, firstEntry = gl_WorkGroupID.y * TokensPerPass;
    if (firstEntry >= count || firstTile * 64u >= outputRows) return;

    uint tileStart[Streams], inputStart[TokensPerPass], entry[TokensPerPass];
    [[unroll]] for (uint s = 0u; s < Streams; ++s) tileStart[s] = min(firstTile + s % RowsPerLane, (outputRows - 1u) / 64u) * TileWords;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        entry[t] = entries[offset + min(firstEntry + t, count - 1u)];
        inputStart[t] = entry[t] / InputRowDivisor * Cols;
    }
