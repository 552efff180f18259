#include "include/attend.glsl"

void main()
{
    const uint split = gl_WorkGroupID.z;
    if (gl_WorkGroupID.y >= tileCount) return;
    const uvec2 tile = tiles[gl_WorkGroupID.y];
    begin(tile);
    if (split * CutKeys > tileLastKey) return;
    attend(split);

    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
    {
        if (!is_query(q, tile.y) || split * CutKeys > lastKey[q]) continue;
        const uint o = ((row_of(q, tile) * QueryHeads + head_of(q)) * MaxSplits + split) * (HeadDim + 2u);
        if (gl_LocalInvocationID.x == 0u)
        {
            partials[o] = cuts[q * PairsPerLane].most;
            partials[o + 1u] = cuts[q * PairsPerLane].total;
        }
        [[unroll]] for (uint p = 0u; p < PairsPerLane; ++p)
        {
            const uint pair = pair_of(p);
            if (pair >= HeadDim / 2u) continue;
            partials[o + 2u + 2u * pair] = cuts[q * PairsPerLane + p].sum.x;
            partials[o + 3u + 2u * pair] = cuts[q * PairsPerLane + p].sum.y;
        }
    }
}
