    // Part of main(): writes acc.
    if (gl_LocalInvocationID.y != 0u) return;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        const uint first = gl_WorkGroupID.z * partStride + entry[t] * outputStride + firstRow + laneRow;
        [[unroll]] for (uint s = 0u; s < RowsPerLane; ++s)
            if (laneRow + s < outputRows && firstEntry + t < count)
            {
                const float gateSum = acc[s * TokensPerPass + t], upSum = acc[(RowsPerLane + s) * TokensPerPass + t];
                y[first + s] = WorkgroupSplits > 1u ? gateSum : silu(gateSum) * upSum;
                if (WorkgroupSplits > 1u) y[WorkgroupSplits * partStride + first + s] = upSum;
            }
    }
