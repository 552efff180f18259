void main()
{
    const uint pairs = HeadDim / 2u, row = gl_WorkGroupID.y;
    const uint head = gl_GlobalInvocationID.x / pairs, pair = gl_GlobalInvocationID.x % pairs;
    if (head >= QueryHeads + 2u * KvHeads || row >= rowCount) return;

    const uint position = positions[row], i = row * (QueryHeads + 2u * KvHeads) * HeadDim + head * HeadDim + 2u * pair;
    vec2 v = vec2(qkv[i], qkv[i + 1u]);
    if (head < QueryHeads + KvHeads && pair < RopeDim / 2u)
    {
        const vec2 turn = table[min(position, uint(table.length()) / (RopeDim / 2u) - 1u) * (RopeDim / 2u) + pair];
        v = vec2(v.x * turn.x - v.y * turn.y, v.x * turn.y + v.y * turn.x);
    }
    if (head < QueryHeads)
    {
        qkv[i] = v.x;
        qkv[i + 1u] = v.y;
        return;
    }

    if (position / PageTokens >= maxPages) return;
    const uint page = pageTables[owners[row] * maxPages + position / PageTokens], slot = position % PageTokens;
    if (page >= uint(keys.length()) / PageWords) return;
    if (head < QueryHeads + KvHeads) store_key(page, head - QueryHeads, pair, slot, v);
    else store_value(page, head - QueryHeads - KvHeads, pair, slot, v);
}
