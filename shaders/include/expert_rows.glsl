// The rows of the expert in one slot: `count` entries from `Entries[offset]` on. An entry is token * TopK + choice: the input row of entry e is
// e / InputRowDivisor, its output row is e. Column splits over workgroups leave parts, partStride floats apart, instead.
layout(constant_id = 10) const uint InputRowDivisor = 1;
layout(push_constant) uniform Push { uint slot; uint outputRows; uint firstRow; uint outputStride; uint partStride; };
layout(std430, set = 0, binding = 0) readonly buffer Groups { uvec2 groups[]; };   // (slot): count, offset
layout(std430, set = 0, binding = 1) readonly buffer Entries { uint entries[]; };
