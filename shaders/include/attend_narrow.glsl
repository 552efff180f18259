// One cut of keys by lanes that pass on all they share by shuffles: software drivers read and write shared memory lane by lane. A run of four keys a
// lane after the other: each lane scores its four keys, then sums its dimensions, eight at a time, over all keys of the run.
// The keys of a run share the largest score up to them; runs, and the values in them, add up in ascending order.
const uint RunKeys = 4u * Lanes;
const uint Eights = Narrow ? PairsPerLane / 4u : 1u;    // eight dimensions, of a lane

float most_of_lanes(float v)
{
    [[unroll]] for (uint distance = 1u; distance < PassingLanes; distance *= 2u) v = max(v, subgroupShuffle(v, gl_SubgroupInvocationID ^ distance));
    return v;
}

float sum_of_lanes(float v)
{
    precise float sum = v;
    [[unroll]] for (uint distance = 1u; distance < PassingLanes; distance *= 2u) sum += subgroupShuffle(sum, gl_SubgroupInvocationID ^ distance);
    return sum;
}

// Scores of this lane's four keys from `slot` on.
void score_run(uint page, uint slot, out vec4 score[QueryCount])
{
    precise vec4 sum[QueryCount];
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) sum[q] = vec4(0.0);
    for (uint first = 0u; first < HeadDim; first += 4u * PassingLanes)
    {
        vec4 mine[QueryCount];
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
            mine[q] = texelFetch(QueryTexels, int((queryStart[q] + min(first + 4u * gl_SubgroupInvocationID, HeadDim - 4u)) / 4u));
        [[unroll]] for (uint lane = 0u; lane < PassingLanes; ++lane)
            if (HeadDim % (4u * PassingLanes) == 0u || first + 4u * lane < HeadDim)
            {
                // Both fetches before the sums, which else would leave the registers for each.
                vec4 dims[4];
                load_keys(page, kvHead, first, 4u * lane, slot, dims[0], dims[1]);
                load_keys(page, kvHead, first, 4u * lane + 2u, slot, dims[2], dims[3]);
                [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
                    [[unroll]] for (uint i = 0u; i < 4u; ++i) sum[q] = fma(vec4(subgroupShuffle(mine[q][i], lane)), dims[i], sum[q]);
            }
    }
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q) score[q] = sum[q] * scale;
}

// Adds the values of a run up to `last`, weighted with their probabilities: of each key those of the lane that scored it.
void add_run(uint page, uint slot, uint last, vec4 probability[QueryCount], uint dim, inout vec4 low[QueryCount], inout vec4 high[QueryCount])
{
    const uint passing = gl_SubgroupInvocationID % 4u, quad = gl_SubgroupInvocationID - passing;
    for (uint lane = 0u; 4u * lane <= last; ++lane)
    {
        // Past the last key it is read again, with a probability of zero. Lanes that pass on to each other have dimensions of one scale.
        const float step = value_scale(page, kvHead, dim, slot + min(4u * lane + passing, last));
        vec4 valueLow[4], valueHigh[4];
        [[unroll]] for (uint i = 0u; i < 4u; ++i) load_values(page, kvHead, dim, slot + min(4u * lane + i, last), valueLow[i], valueHigh[i]);
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
        {
            precise vec4 sumLow = low[q], sumHigh = high[q];
            [[unroll]] for (uint i = 0u; i < 4u; ++i)
            {
                precise vec4 p = vec4(subgroupShuffle(probability[q][i], lane) * subgroupShuffle(step, quad + i));
                sumLow = fma(p, valueLow[i], sumLow);
                sumHigh = fma(p, valueHigh[i], sumHigh);
            }
            low[q] = sumLow;
            high[q] = sumHigh;
        }
    }
}

void attend_narrow(uint cut)
{
    float most[QueryCount], total[QueryCount];      // total: of this lane's keys
    vec4 low[Eights][QueryCount], high[Eights][QueryCount];
    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
    {
        most[q] = Lowest;
        total[q] = 0.0;
        [[unroll]] for (uint e = 0u; e < Eights; ++e) low[e][q] = high[e][q] = vec4(0.0);
    }

    const uint end = min(tileLastKey + 1u, (cut + 1u) * CutKeys);
    for (uint first = cut * CutKeys; first < end; first += RunKeys)
    {
        const uint page = page_at(first), slot = first % PageTokens, key = 4u * gl_SubgroupInvocationID;
        vec4 score[QueryCount], probability[QueryCount];
        score_run(page, slot + key, score);
        float fading[QueryCount];
        [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
        {
            const bvec4 seen = lessThanEqual(uvec4(first + key) + uvec4(0u, 1u, 2u, 3u), uvec4(lastKey[q]));
            const vec4 s = mix(vec4(Lowest), score[q], seen);
            const float before = most[q];
            most[q] = max(before, most_of_lanes(max(max(s.x, s.y), max(s.z, s.w))));
            fading[q] = exp(before - most[q]);
            precise vec4 p = mix(vec4(0.0), exp(score[q] - most[q]), seen);
            precise float sum = p.x + p.y + p.z + p.w;
            total[q] = fma(total[q], fading[q], sum);
            probability[q] = p;
        }
        [[unroll]] for (uint e = 0u; e < Eights; ++e)
        {
            [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
            {
                precise vec4 fadedLow = low[e][q] * fading[q], fadedHigh = high[e][q] * fading[q];
                low[e][q] = fadedLow;
                high[e][q] = fadedHigh;
            }
            add_run(page, slot, min(end - first, RunKeys) - 1u, probability, 8u * (gl_SubgroupInvocationID + e * Lanes), low[e], high[e]);
        }
    }

    [[unroll]] for (uint q = 0u; q < QueryCount; ++q)
    {
        const float whole = sum_of_lanes(total[q]);
        [[unroll]] for (uint e = 0u; e < Eights; ++e)
        {
            const uint pair = q * PairsPerLane + 4u * e;
            cuts[pair] = Cut(most[q], whole, low[e][q].xy);
            cuts[pair + 1u] = Cut(most[q], whole, low[e][q].zw);
            cuts[pair + 2u] = Cut(most[q], whole, high[e][q].xy);
            cuts[pair + 3u] = Cut(most[q], whole, high[e][q].zw);
        }
    }
}
