// One cut of keys for all queries of a workgroup: each lane scores four keys, then each lane sums eight dimensions over its share of the keys.
// What is the same for all lanes (a dimension of a query, the probability of a key) each lane loads a part of and passes on by shuffles.
// Keys of a cut share one largest score; values add up by groups of lanes, then the groups in ascending order.
const uint LanesPerPart = 8u, Parts = Lanes / LanesPerPart;
shared float probability[Narrow ? 1u : QueryCount * CutKeys];
shared float reduction[Narrow ? 1u : QueryCount * Lanes];
shared float parts[Narrow ? 1u : QueryCount * Parts];
shared float reduced[Narrow ? 1u : QueryCount];
shared uint pages[Narrow ? 1u : CutKeys / PageTokens];

// Largest value, or sum in a fixed order, over the workgroup for each query.
void reduce(inout float v[QueryCount], const bool isSum)
{
    const uint lane = gl_LocalInvocationID.x;
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) reduction[q * Lanes + lane] = v[q];
    barrier();
    if (lane < QueryCount * Parts)
    {
        precise float part = reduction[lane * LanesPerPart];
        for (uint i = 1u; i < LanesPerPart; ++i)
        {
            const float next = reduction[lane * LanesPerPart + i];
            part = isSum ? part + next : max(part, next);
        }
        parts[lane] = part;
    }
    barrier();
    if (lane < QueryCount)
    {
        precise float whole = parts[lane * Parts];
        for (uint i = 1u; i < Parts; ++i)
        {
            const float next = parts[lane * Parts + i];
            whole = isSum ? whole + next : max(whole, next);
        }
        reduced[lane] = whole;
    }
    barrier();
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) v[q] = reduced[q];
}

// Scores of this lane's four keys from position `key` on.
void score_keys(uint page, uint key, out vec4 score[QueryCount])
{
    const uint passing = gl_SubgroupInvocationID % PassingLanes;
    precise vec4 sum[QueryCount];
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) sum[q] = vec4(0.0);
    for (uint first = 0u; first < HeadDim; first += PassingLanes)
    {
        float mine[QueryCount];
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q) mine[q] = queries[queryStart[q] + min(first + passing, HeadDim - 1u)];
        [[unroll]] for (uint d = 0u; d < PassingLanes; d += 2u)
            if (HeadDim % PassingLanes == 0u || first + d < HeadDim)
            {
                vec4 even, odd;
                load_keys(page, kvHead, first, d, key % PageTokens, even, odd);
                [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
                {
                    sum[q] = fma(vec4(subgroupShuffle(mine[q], d)), even, sum[q]);
                    sum[q] = fma(vec4(subgroupShuffle(mine[q], d + 1u)), odd, sum[q]);
                }
            }
    }
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) score[q] = sum[q] * scale;
}

// Values weighted with their probabilities. Sharers neighbouring lanes take eight dimensions each of the same keys; there are
// Lanes / Sharers such groups, which take four keys in turn and are added in ascending order.
const uint Sharers = HeadDim <= 32u ? 4u : HeadDim <= 64u ? 8u : HeadDim <= 128u ? 16u : 32u, Groups = Lanes / Sharers;

void add_values(uint count)
{
    const uint lane = gl_LocalInvocationID.x, group = lane / Sharers, passing = gl_SubgroupInvocationID % 4u, quad = gl_SubgroupInvocationID - passing;
    precise vec4 low[QueryCount], high[QueryCount];
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) low[q] = high[q] = vec4(0.0);
    for (uint key = 4u * group; key < count; key += 4u * Groups)
    {
        const uint page = pages[key / PageTokens], dim = lane % Sharers * 8u;
        // Lanes that pass on to each other have dimensions of one scale. Past the last key its scale is read again.
        const float step = value_scale(page, kvHead, dim, min(key + passing, count - 1u) % PageTokens);
        float mine[QueryCount];
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q) mine[q] = probability[q * CutKeys + key + passing] * step;
        [[unroll]] for (uint i = 0u; i < 4u; ++i)
        {
            // Past the last key it is read again, with a probability of zero.
            vec4 valueLow, valueHigh;
            load_values(page, kvHead, dim, min(key + i, count - 1u) % PageTokens, valueLow, valueHigh);
            [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
            {
                const vec4 p = vec4(subgroupShuffle(mine[q], quad + i));
                low[q] = fma(p, valueLow, low[q]);
                high[q] = fma(p, valueHigh, high[q]);
            }
        }
    }

    // The groups meet where the probabilities were: first what lies in low, then high.
    [[unroll]] for (uint turn = 0u; turn < 2u; ++turn)
    {
        barrier();
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
            [[unroll]] for (uint i = 0u; i < 4u; ++i) probability[q * CutKeys + 4u * lane + i] = turn == 0u ? low[q][i] : high[q][i];
        barrier();
        [[unroll]] for (uint p = 0u; p < PairsPerLane; ++p)
        {
            const uint dim = 2u * (lane + p * Lanes);
            if (dim >= HeadDim || dim / 4u % 2u != turn) continue;
            [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
            {
                precise vec2 sum = vec2(0.0);
                for (uint g = 0u; g < Groups; ++g)
                {
                    const uint at = q * CutKeys + 4u * (g * Sharers + dim / 8u) + dim % 4u;
                    sum += vec2(probability[at], probability[at + 1u]);
                }
                cuts[q * PairsPerLane + p].sum = sum;
            }
        }
    }
}

void attend_wide(uint cut)
{
    const uint lane = gl_LocalInvocationID.x;
    const uint first = cut * CutKeys, count = min(tileLastKey - first + 1u, CutKeys);
    barrier();      // the cut before has been read
    if (lane * PageTokens < count) pages[lane] = page_at(first + lane * PageTokens);
    barrier();

    // Past the last key the last page is read again.
    const uint key = 4u * lane;
    vec4 score[QueryCount];
    score_keys(pages[min(key, count - 1u) / PageTokens], key, score);

    float most[QueryCount], total[QueryCount];
    bvec4 seen[QueryCount];
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
    {
        seen[q] = lessThanEqual(uvec4(first + key) + uvec4(0u, 1u, 2u, 3u), uvec4(lastKey[q]));
        const vec4 s = mix(vec4(Lowest), score[q], seen[q]);
        most[q] = max(max(s.x, s.y), max(s.z, s.w));
    }
    reduce(most, false);
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
    {
        precise vec4 p = mix(vec4(0.0), exp(score[q] - most[q]), seen[q]);
        precise float sum = p.x + p.y + p.z + p.w;
        total[q] = sum;
        [[unroll]] for (uint i = 0u; i < 4u; ++i) probability[q * CutKeys + key + i] = p[i];
    }
    reduce(total, true);

    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
        [[unroll]] for (uint p = 0u; p < PairsPerLane; ++p) cuts[q * PairsPerLane + p] = Cut(most[q], total[q], vec2(0.0));
    add_values(count);
}
