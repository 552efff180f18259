    // Part of main(): which entries this workgroup computes. Past the last entry the last one is read again and nothing written.
    const uint count = groups[slot].x, offset = groups[slot].y;
    const uint firstEntry = gl_WorkGroupID.y * TokensPerPass;
    if (firstEntry >= count || gl_WorkGroupID.x * Lanes * RowsPerLane >= outputRows) return;

    uint inputStart[TokensPerPass], entry[TokensPerPass];
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        entry[t] = subgroupBroadcastFirst(entries[offset + min(firstEntry + t, count - 1u)]);
        inputStart[t] = entry[t] / InputRowDivisor * Cols;
    }
