    // Part of main(): the rows of this lane. Lanes past the last row read the last rows again and write nothing.
    const uint laneRow = (gl_WorkGroupID.x * Lanes + gl_LocalInvocationID.x) * RowsPerLane;
    if (laneRow >= outputRows && !AddsInWorkgroup) return;
    const uint readRow = min(laneRow, (outputRows + 63u) / 64u * 64u - RowsPerLane), row = readRow % 64u;
    uint tileStart[Matrices];
    [[unroll]] for (uint m = 0u; m < Matrices; ++m) tileStart[m] = readRow / 64u * TileWords;
