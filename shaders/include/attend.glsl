// One cut of keys. First each lane scores its own keys, then each lane sums its own pair of dimensions over all keys.
// Needs: include/attention_head.glsl, include/attention_cut.glsl, include/reduce.glsl, include/kv/<format>_load.glsl.
shared float query[HeadDim];
shared float probability[CutKeys];
shared uint pages[CutKeys / PageTokens];

void load_query(uint row, uint head)
{
    for (uint d = gl_LocalInvocationID.x; d < HeadDim; d += Lanes) query[d] = queries[row * queryStride + head * HeadDim + d];
    barrier();
}

// The row's position; never past its page table.
uint last_key(uint row) { return min(positions[row], maxPages * PageTokens - 1u); }

Cut attend(uint row, uint head, uint cut)
{
    const uint lane = gl_LocalInvocationID.x, kvHead = head / (QueryHeads / KvHeads);
    const uint first = cut * CutKeys, count = min(last_key(row) - first + 1u, CutKeys);
    if (lane * PageTokens < count)
        pages[lane] = min(pageTables[owners[row] * maxPages + first / PageTokens + lane], uint(keys.length()) / PageWords - 1u);
    barrier();

    float most = Lowest;
    for (uint k = lane; k < count; k += Lanes)
    {
        precise float score = 0.0;
        for (uint i = 0u; i < HeadDim / 2u; ++i)
        {
            const vec2 key = load_key(pages[k / PageTokens], kvHead, i, k % PageTokens);
            score = fma(query[2u * i], key.x, score);
            score = fma(query[2u * i + 1u], key.y, score);
        }
        score *= scale;
        probability[k] = score;
        most = max(most, score);
    }
    most = workgroup_max(most);

    precise float total = 0.0;
    for (uint k = lane; k < count; k += Lanes)
    {
        const float p = exp(probability[k] - most);
        probability[k] = p;
        total += p;
    }
    total = workgroup_sum(total);

    precise vec2 sum = vec2(0.0);
    if (lane < HeadDim / 2u)
        for (uint k = 0u; k < count; ++k)
            sum = fma(vec2(probability[k]), load_value(pages[k / PageTokens], kvHead, lane, k % PageTokens), sum);
    barrier();      // the next cut writes pages and probability again
    return Cut(most, total, sum);
}
