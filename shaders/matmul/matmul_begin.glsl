    // Part of main(): what this workgroup computes.
    const uint firstToken = gl_WorkGroupID.y * TokensPerPass;
    if (firstToken >= rowCount || gl_WorkGroupID.x * Lanes * RowsPerLane >= outputRows) return;

    // Past the last token the last one is read again and nothing written.
    uint inputStart[TokensPerPass];
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) inputStart[t] = subgroupBroadcastFirst(min(firstToken + t, rowCount - 1u) * Cols);
    #include "include/lane_rows.glsl"
