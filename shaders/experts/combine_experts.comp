#version 460
// residual[t] += sum over slots, ascending, of weights[t][slot] * expertOutput[t * TopK + slot]
// expertOutput (rows * TopK, Dim); weights (rows, TopK); residual (rows, Dim). One lane per column, one row of workgroups per row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Dim = 1;
layout(constant_id = 1) const uint TopK = 1;
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer ExpertOutput { float expertOutput[]; };
layout(std430, set = 0, binding = 2) readonly buffer Weights { float weights[]; };
layout(std430, set = 0, binding = 3) buffer Residual { float residual[]; };

void main()
{
    const uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (column >= Dim || row >= rowCount) return;

    precise float sum = residual[row * Dim + column];
    for (uint slot = 0u; slot < TopK; ++slot)
        sum = fma(weights[row * TopK + slot], expertOutput[(row * TopK + slot) * Dim + column], sum);
    residual[row * Dim + column] = sum;
}
