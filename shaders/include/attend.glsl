// One cut of keys for all queries of a workgroup: each lane scores four keys, then each lane sums its own pairs of dimensions over all keys.
// What is the same for all lanes (a dimension of a query, the probability of a key) each lane loads a part of and passes on by shuffles.
// Needs: include/attention_head.glsl, include/attention_cut.glsl, include/kv/<format>_load.glsl.
const uint Passed = 4u;                 // lanes that pass on what they loaded: no subgroup is smaller
const uint LanesPerPart = 8u, Parts = Lanes / LanesPerPart;
shared float probability[QueryCount * CutKeys];
shared float reduction[QueryCount * Lanes];
shared float parts[QueryCount * Parts];
shared float reduced[QueryCount];
shared uint pages[CutKeys / PageTokens];

uint kvHead, tileLastKey, pageTable;    // of the tile
uint lastKey[QueryCount];               // of each query: its row's position, never past the page table
uint queryStart[QueryCount];            // its first float
Cut cuts[QueryCount * PairsPerLane];    // what attend found: pair p of this lane is of dimensions 2 (lane + p Lanes) and the next

// Where the queries of this workgroup are.
void begin(uvec2 tile)
{
    kvHead = gl_WorkGroupID.x / Blocks;
    pageTable = owners[tile.x] * maxPages;
    tileLastKey = 0u;
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
    {
        const uint row = row_of(q, tile);
        lastKey[q] = min(positions[row], maxPages * PageTokens - 1u);
        queryStart[q] = row * queryStride + head_of(q) * HeadDim;
        tileLastKey = max(tileLastKey, lastKey[q]);
    }
}

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
    const uint passing = gl_SubgroupInvocationID % Passed;
    precise vec4 sum[QueryCount];
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) sum[q] = vec4(0.0);
    for (uint first = 0u; first < HeadDim; first += Passed)
    {
        float mine[QueryCount];
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q) mine[q] = queries[queryStart[q] + min(first + passing, HeadDim - 1u)];
        [[unroll]] for (uint d = 0u; d < Passed; d += 2u)
            if (HeadDim % Passed == 0u || first + d < HeadDim)
            {
                vec4 even, odd;
                load_keys(page, kvHead, (first + d) / 2u, key % PageTokens, even, odd);
                [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
                {
                    sum[q] = fma(vec4(subgroupShuffle(mine[q], d)), even, sum[q]);
                    sum[q] = fma(vec4(subgroupShuffle(mine[q], d + 1u)), odd, sum[q]);
                }
            }
    }
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) score[q] = sum[q] * scale;
}

// Values weighted with their probabilities: keys from first to last, so that the order is that of the keys.
void add_values(uint count)
{
    const uint passing = gl_SubgroupInvocationID % Passed;
    precise vec2 sum[QueryCount * PairsPerLane];
    [[unroll]] for (uint i = 0u; i < QueryCount * PairsPerLane; ++i) sum[i] = vec2(0.0);
    for (uint base = 0u; base < count; base += PageTokens)
    {
        const uint page = pages[base / PageTokens], tokens = min(count - base, PageTokens);
        for (uint slot = 0u; slot < tokens; slot += Passed)
        {
            float mine[QueryCount];
            [[unroll]] for (uint q = 0u; q < QueryCount; ++q) mine[q] = probability[q * CutKeys + base + slot + passing];
            [[unroll]] for (uint i = 0u; i < Passed; ++i)
                [[unroll]] for (uint p = 0u; p < PairsPerLane; ++p)
                {
                    // Past the last key it is read again, with a probability of zero.
                    const uint pair = min(gl_LocalInvocationID.x + p * Lanes, HeadDim / 2u - 1u);
                    const vec2 value = load_value(page, kvHead, pair, min(slot + i, tokens - 1u));
                    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
                        sum[q * PairsPerLane + p] = fma(vec2(subgroupShuffle(mine[q], i)), value, sum[q * PairsPerLane + p]);
                }
        }
    }
    [[unroll]] for (uint i = 0u; i < QueryCount * PairsPerLane; ++i) cuts[i].sum = sum[i];
}

void attend(uint cut)
{
    const uint lane = gl_LocalInvocationID.x;
    const uint first = cut * CutKeys, count = min(tileLastKey - first + 1u, CutKeys);
    barrier();      // the cut before has been read
    if (lane * PageTokens < count)
        pages[lane] = min(pageTables[pageTable + first / PageTokens + lane], 4u * uint(keys.length()) / PageWords - 1u);
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
