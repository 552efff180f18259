#version 460
// output[i] = the first Cols of input[rowIds[i]]; an id past input gives its last row. input (any, inputStride); output (rows, Cols).
// One lane per column, one row of workgroups per output row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Cols = 1;
layout(push_constant) uniform Push { uint inputStride; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer RowIds { uint rowIds[]; };
layout(std430, set = 0, binding = 2) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Output { float y[]; };

void main()
{
    const uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (column >= Cols || row >= rowCount) return;
    y[row * Cols + column] = x[min(rowIds[row], uint(x.length()) / inputStride - 1u) * inputStride + column];
}
