#include "include/attend.glsl"

void main()
{
    const uint head = gl_WorkGroupID.x, row = gl_WorkGroupID.y, split = gl_WorkGroupID.z, lane = gl_LocalInvocationID.x;
    if (row >= rowCount || split * CutKeys > last_key(row)) return;
    load_query(row, head);
    const Cut cut = attend(row, head, split);

    const uint i = ((row * QueryHeads + head) * MaxSplits + split) * (HeadDim + 2u);
    if (lane == 0u)
    {
        partials[i] = cut.most;
        partials[i + 1u] = cut.total;
    }
    if (lane < HeadDim / 2u)
    {
        partials[i + 2u + 2u * lane] = cut.sum.x;
        partials[i + 3u + 2u * lane] = cut.sum.y;
    }
}
