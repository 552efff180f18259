    // Part of main(): writes acc.
    if (gl_LocalInvocationID.y != 0u) return;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        const uint first = gl_WorkGroupID.z * partStride + (firstToken + t) * outputStride + firstRow + laneRow;
        [[unroll]] for (uint s = 0u; s < RowsPerLane; ++s)
            if (laneRow + s < outputRows && firstToken + t < rowCount)
                y[first + s] = Accumulate ? y[first + s] + acc[s * TokensPerPass + t] : acc[s * TokensPerPass + t];
    }
