void main()
{
    const uint pairs = HeadDim / 2u, row = gl_WorkGroupID.y;
    if (gl_GlobalInvocationID.x >= KvHeads * pairs || row >= rowCount) return;
    const uint position = positions[row];
    if (position / PageTokens >= maxPages) return;
    const uint page = pageTables[owners[row] * maxPages + position / PageTokens], slot = position % PageTokens;
    if (page >= uint(keys.length()) / PageWords) return;

    const uint kvHead = gl_GlobalInvocationID.x / pairs, pair = gl_GlobalInvocationID.x % pairs;
    const uint key = row * (QueryHeads + 2u * KvHeads) * HeadDim + (QueryHeads + kvHead) * HeadDim + 2u * pair;
    const uint value = key + KvHeads * HeadDim;
    store_key(page, kvHead, pair, slot, vec2(qkv[key], qkv[key + 1u]));
    store_value(page, kvHead, pair, slot, vec2(qkv[value], qkv[value + 1u]));
}
