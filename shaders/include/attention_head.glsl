// Grouped-query attention of one query head of one row over its keys: out = sum over k of softmax(scale * query . key[k]) * value[k],
// k up to and including the row's position. Keys are cut at multiples of 256; a cut gives (most, total, sum), merged in ascending order.
// queries (rows, queryStride), head h at h * HeadDim; pageTables (owners, maxPages); pools: include/kv. HeadDim is even, at most 256.
const uint Lanes = 128u;
layout(local_size_x = Lanes) in;
layout(constant_id = 0) const uint QueryHeads = 1;
layout(constant_id = 1) const uint KvHeads = 1;
layout(constant_id = 2) const uint HeadDim = 2;
layout(push_constant) uniform Push { uint queryStride; uint maxPages; float scale; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Positions { uint positions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Owners { uint owners[]; };
layout(std430, set = 0, binding = 3) readonly buffer PageTables { uint pageTables[]; };
layout(std430, set = 0, binding = 4) readonly buffer Queries { float queries[]; };
layout(std430, set = 0, binding = 5) readonly buffer Keys { uint keys[]; };
layout(std430, set = 0, binding = 6) readonly buffer Values { uint values[]; };

const uint PageTokens = 32u;
