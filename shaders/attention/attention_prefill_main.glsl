#include "include/attend.glsl"

void main()
{
    if (gl_WorkGroupID.y >= tileCount) return;
    const uvec2 tile = tiles[gl_WorkGroupID.y];
    begin(tile);
    Cut whole[QueryCount * PairsPerLane];
    [[unroll]] for (uint i = 0u; i < QueryCount * PairsPerLane; ++i) whole[i] = EmptyCut;
    for (uint cut = 0u; cut * CutKeys <= tileLastKey; ++cut)
    {
        attend(cut);
        [[unroll]] for (uint i = 0u; i < QueryCount * PairsPerLane; ++i)
            if (cut * CutKeys <= lastKey[i / PairsPerLane]) whole[i] = merge(whole[i], cuts[i]);
    }

    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
        [[unroll]] for (uint p = 0u; p < PairsPerLane; ++p)
        {
            const uint pair = pair_of(p);
            if (!is_query(q, tile.y) || pair >= HeadDim / 2u) continue;
            const vec2 result = attention_output(whole[q * PairsPerLane + p]);
            const uint o = (row_of(q, tile) * QueryHeads + head_of(q)) * HeadDim + 2u * pair;
            y[o] = result.x;
            y[o + 1u] = result.y;
        }
}
