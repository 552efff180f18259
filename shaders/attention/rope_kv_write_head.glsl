// Rotates dimensions (2i, 2i+1), i < RopeDim / 2, of every query and key head of qkv[t] by the angle of table[position][i] = (cos, sin):
// queries in place, keys into the cache; values go there as they are. position = positions[t], in page
// pageTables[owners[t]][position / 32], slot position % 32. qkv (rows, (QueryHeads + 2 KvHeads) * HeadDim): query heads, key heads, value
// heads; pageTables (owners, maxPages); pools: include/kv. A page outside the pools is not written.
// One lane per pair of dimensions, LanesPerHead to a head; one row of workgroups per row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint QueryHeads = 1;
layout(constant_id = 1) const uint KvHeads = 1;
layout(constant_id = 2) const uint HeadDim = 2;
layout(constant_id = 3) const uint RopeDim = 2;
layout(push_constant) uniform Push { uint maxPages; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Positions { uint positions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Owners { uint owners[]; };
layout(std430, set = 0, binding = 3) readonly buffer PageTables { uint pageTables[]; };
layout(std430, set = 0, binding = 4) readonly buffer Table { vec2 table[]; };
layout(std430, set = 0, binding = 5) buffer Qkv { float qkv[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Keys { uint keys[]; };
layout(std430, set = 0, binding = 7) writeonly buffer Values { uint values[]; };

const uint PageTokens = 32u;
