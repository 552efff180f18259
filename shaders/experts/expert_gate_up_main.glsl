#include "include/activations.glsl"
void main()
{
    #include "include/expert_pass.glsl"
    #include "include/lane_rows.glsl"
    #include "include/multiply.glsl"

    if (AddsInWorkgroup && gl_LocalInvocationID.y != 0u) return;
    const uint run = AddsInWorkgroup ? 0u : gl_WorkGroupID.z * ColumnSplits + gl_LocalInvocationID.y;
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
    {
        const uint first = run * runStride + entry[t] * outputStride + firstRow + laneRow;
        [[unroll]] for (uint s = 0u; s < RowsPerLane; ++s)
            if (laneRow + s < outputRows && firstEntry + t < count)
            {
                const float gateSum = acc[s * TokensPerPass + t], upSum = acc[(RowsPerLane + s) * TokensPerPass + t];
                y[first + s] = WorkgroupSplits > 1u ? gateSum : silu(gateSum) * upSum;
                if (WorkgroupSplits > 1u) y[Runs * runStride + first + s] = upSum;
            }
    }
}
