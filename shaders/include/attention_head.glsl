// Grouped-query attention over paged keys: out = sum over k of softmax(scale * query . key[k]) * value[k], k up to and including the row's
// position. A workgroup serves one key/value head for a block of its query heads and the rows of a tile: each key and value is loaded once
// for all of them. Keys are cut at multiples of 256; a cut gives (most, total, sum), merged in ascending order.
// tiles: first row and number of rows, of one sequence, at most RowsPerTile; queries (rows, queryStride), head h at
// h * HeadDim; pageTables (owners, maxPages); pools: include/kv. HeadDim is even, at most 256; HeadsPerBlock * RowsPerTile at most 8.
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_shuffle : require
layout(local_size_x_id = 6) in;
layout(constant_id = 0) const uint QueryHeads = 1;
layout(constant_id = 1) const uint KvHeads = 1;
layout(constant_id = 2) const uint HeadDim = 2;
layout(constant_id = 3) const uint HeadsPerBlock = 1;
layout(constant_id = 4) const uint RowsPerTile = 1;
layout(constant_id = 5) const uint PassingLanes = 4;    // that pass on what they loaded: 4 or 8, no more than a subgroup has
layout(constant_id = 6) const uint Lanes = 64;          // of a workgroup: 64, or as many as pass on
layout(push_constant) uniform Push { uint queryStride; uint maxPages; float scale; };
layout(std430, set = 0, binding = 0) readonly buffer Tiles { uint tileCount; uvec2 tiles[]; };
layout(std430, set = 0, binding = 1) readonly buffer Positions { uint positions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Owners { uint owners[]; };
layout(std430, set = 0, binding = 3) readonly buffer PageTables { uint pageTables[]; };
layout(std430, set = 0, binding = 4) readonly buffer Queries { float queries[]; };
layout(std430, set = 0, binding = 5) readonly buffer Keys { uvec4 keys[]; };
layout(std430, set = 0, binding = 6) readonly buffer Values { uvec4 values[]; };
layout(set = 0, binding = 7) uniform samplerBuffer QueryTexels;
layout(set = 0, binding = 8) uniform usamplerBuffer KeyTexels;
layout(set = 0, binding = 9) uniform usamplerBuffer ValueTexels;

// Narrow workgroups need no shared memory, and read keys, values and queries as texels; HeadDim and queryStride are multiples of four.
const bool Narrow = Lanes == PassingLanes;

// Four words of a pool.
uvec4 key_words(uint index) { return Narrow ? texelFetch(KeyTexels, int(index)) : keys[index]; }
uvec4 value_words(uint index) { return Narrow ? texelFetch(ValueTexels, int(index)) : values[index]; }

const uint PageTokens = 32u;
const uint QueryCount = HeadsPerBlock * RowsPerTile;

const uint Group = QueryHeads / KvHeads, Blocks = (Group + HeadsPerBlock - 1u) / HeadsPerBlock;

// Query q of a workgroup is head q % HeadsPerBlock of its block at row q / HeadsPerBlock of its tile. False past the last head or row.
bool is_query(uint q, uint rows) { return q / HeadsPerBlock < rows && gl_WorkGroupID.x % Blocks * HeadsPerBlock + q % HeadsPerBlock < Group; }

uint head_of(uint q) { return gl_WorkGroupID.x / Blocks * Group + min(gl_WorkGroupID.x % Blocks * HeadsPerBlock + q % HeadsPerBlock, Group - 1u); }

uint row_of(uint q, uvec2 tile) { return tile.x + min(q / HeadsPerBlock, tile.y - 1u); }
