// Of include/kv/<format>_store.glsl: LanesPerHead, at least HeadDim / 2, and store, which all lanes of a workgroup call.
void main()
{
    const uint head = gl_GlobalInvocationID.x / LanesPerHead, pair = gl_GlobalInvocationID.x % LanesPerHead, row = gl_WorkGroupID.y;
    if (row >= rowCount) return;

    const bool isPair = head < QueryHeads + 2u * KvHeads && pair < HeadDim / 2u;
    const uint position = positions[row], i = row * (QueryHeads + 2u * KvHeads) * HeadDim + head * HeadDim + 2u * pair;
    vec2 v = isPair ? vec2(qkv[i], qkv[i + 1u]) : vec2(0.0);
    if (head < QueryHeads + KvHeads && pair < RopeDim / 2u)
    {
        const vec2 turn = table[min(position, uint(table.length()) / (RopeDim / 2u) - 1u) * (RopeDim / 2u) + pair];
        v = vec2(v.x * turn.x - v.y * turn.y, v.x * turn.y + v.y * turn.x);
    }
    if (isPair && head < QueryHeads)
    {
        qkv[i] = v.x;
        qkv[i + 1u] = v.y;
    }

    const bool isInTable = position / PageTokens < maxPages;
    const uint page = pageTables[isInTable ? owners[row] * maxPages + position / PageTokens : 0u];
    const bool isStored = isPair && head >= QueryHeads && isInTable && page < uint(keys.length()) / PageWords, isKey = head < QueryHeads + KvHeads;
    store(isStored, isKey, page, head - QueryHeads - (isKey ? 0u : KvHeads), pair, position % PageTokens, v);
}
