#version 460
// residual[t] += sum over choices, ascending, of weights[t][choice] * output of the expert ids[t][choice]
// The output is row t * TopK + choice of expertOutput; with IsSplit that of hostOutput where the expert has no slot: slots (ExpertCount) is slotCount or more.
// expertOutput, hostOutput (rows * TopK, Dim); ids, weights (rows, TopK); residual (rows, Dim). One lane per column, one row of workgroups per row.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint Dim = 1;
layout(constant_id = 1) const uint TopK = 1;
layout(constant_id = 2) const bool IsSplit = false;
layout(push_constant) uniform Push { uint slotCount; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer ExpertOutput { float expertOutput[]; };
layout(std430, set = 0, binding = 2) readonly buffer HostOutput { float hostOutput[]; };
layout(std430, set = 0, binding = 3) readonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 4) readonly buffer Slots { uint slots[]; };
layout(std430, set = 0, binding = 5) readonly buffer Weights { float weights[]; };
layout(std430, set = 0, binding = 6) buffer Residual { float residual[]; };

void main()
{
    const uint column = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
    if (column >= Dim || row >= rowCount) return;

    precise float sum = residual[row * Dim + column];
    for (uint entry = row * TopK; entry < (row + 1u) * TopK; ++entry)
    {
        float value;
        if (IsSplit && slots[ids[entry]] >= slotCount) value = hostOutput[entry * Dim + column];
        else value = expertOutput[entry * Dim + column];
        sum = fma(weights[entry], value, sum);
    }
    residual[row * Dim + column] = sum;
}
