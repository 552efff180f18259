// Stores the key and value heads of qkv[t] in page pageTables[owners[t]][position / 32], slot position % 32, position = positions[t].
// qkv (rows, (QueryHeads + 2 KvHeads) * HeadDim): query heads, key heads, value heads; pageTables (owners, maxPages); pools: include/kv.
// One lane per pair of dimensions, one row of workgroups per row. A page outside the pools is not written.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint QueryHeads = 1;
layout(constant_id = 1) const uint KvHeads = 1;
layout(constant_id = 2) const uint HeadDim = 2;
layout(push_constant) uniform Push { uint maxPages; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Positions { uint positions[]; };
layout(std430, set = 0, binding = 2) readonly buffer Owners { uint owners[]; };
layout(std430, set = 0, binding = 3) readonly buffer PageTables { uint pageTables[]; };
layout(std430, set = 0, binding = 4) readonly buffer Qkv { float qkv[]; };
layout(std430, set = 0, binding = 5) writeonly buffer Keys { uint keys[]; };
layout(std430, set = 0, binding = 6) writeonly buffer Values { uint values[]; };

const uint PageTokens = 32u;
