#include "include/activations.glsl"
void main()
{
    const uint firstToken = gl_WorkGroupID.y * TokensPerPass;
    if (firstToken >= rowCount || gl_WorkGroupID.x * Lanes * RowsPerLane >= outputRows) return;

    // Past the last token the last one is read again and nothing written.
    uint inputStart[TokensPerPass];
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) inputStart[t] = subgroupBroadcastFirst(min(firstToken + t, rowCount - 1u) * Cols);
    #include "include/lane_rows.glsl"
    #include "include/multiply.glsl"

    if (gl_LocalInvocationID.y != 0u) return;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        const uint first = gl_WorkGroupID.z * partStride + (firstToken + t) * outputStride + firstRow + laneRow;
        [[unroll]] for (uint s = 0u; s < RowsPerLane; ++s)
            if (laneRow + s < outputRows && firstToken + t < rowCount)
                y[first + s] = Accumulate ? y[first + s] + acc[s * TokensPerPass + t] : acc[s * TokensPerPass + t];
    }
}
