#include "include/attend.glsl"

void main()
{
    const uint head = gl_WorkGroupID.x, row = gl_WorkGroupID.y, lane = gl_LocalInvocationID.x;
    if (row >= rowCount) return;
    load_query(row, head);
    Cut whole = EmptyCut;
    for (uint cut = 0u; cut * CutKeys <= last_key(row); ++cut) whole = merge(whole, attend(row, head, cut));

    if (lane >= HeadDim / 2u) return;
    const vec2 result = attention_output(whole);
    const uint i = (row * QueryHeads + head) * HeadDim + 2u * lane;
    y[i] = result.x;
    y[i + 1u] = result.y;
}
