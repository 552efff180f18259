// One cut of keys for all queries of a workgroup.
// Needs: include/attention_head.glsl, include/attention_cut.glsl, and of include/kv/<format>_load.glsl:
//   load_keys       dimensions first + offset and the next of four tokens from slot on, a multiple of four; called in ascending order of first,
//                   a multiple of four, and of offset, constant and even
//   load_values     dimensions dim .. dim + 7 of a token, dim a multiple of eight; past the head's length they are any numbers
//   value_scale     what these are to be multiplied with, the same for dimensions with one quotient by 32
const uint PairsPerLane = Narrow ? (HeadDim + 8u * Lanes - 1u) / (8u * Lanes) * 4u : (HeadDim / 2u + Lanes - 1u) / Lanes;

uint kvHead, tileLastKey, pageTable;    // of the tile
uint lastKey[QueryCount];               // of each query: its row's position, never past the page table
uint queryStart[QueryCount];            // its first float
Cut cuts[QueryCount * PairsPerLane];    // what attend found: of pair p of this lane

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

// The page of a key; whatever the table says, it is one of the pool.
uint page_at(uint key) { return min(pageTables[pageTable + key / PageTokens], 4u * uint(keys.length()) / PageWords - 1u); }

// A lane's pair p of dimensions: those of a narrow workgroup own eight neighbouring ones.
uint pair_of(uint p) { return Narrow ? 4u * (gl_SubgroupInvocationID + p / 4u * Lanes) + p % 4u : gl_LocalInvocationID.x + p * Lanes; }

#include "include/attend_wide.glsl"
#include "include/attend_narrow.glsl"

void attend(uint cut)
{
    if (Narrow) attend_narrow(cut);
    else attend_wide(cut);
}
