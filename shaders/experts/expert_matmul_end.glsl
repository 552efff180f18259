    // Part of main(): writes acc.
    if (gl_LocalInvocationID.y != 0u) return;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        const uint first = gl_WorkGroupID.z * partStride + entry[t] * outputStride + firstRow + laneRow;
        [[unroll]] for (uint s = 0u; s < RowsPerLane; ++s)
            if (laneRow + s < outputRows && firstEntry + t < count) y[first + s] = acc[s * TokensPerPass + t];
    }
