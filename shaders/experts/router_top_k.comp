#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
// logits[e] = router[e] . input[t]; ids[t] = the TopK largest, descending, ties to the lower index; weights[t] = softmax over these.
// input (rows, Dim); router (ExpertCount, Dim); ids, weights (rows, TopK); status: the lowest site so far.
// A logit that is not finite counts as the lowest and puts site into status: ids are distinct and in range, weights finite, always.
// One workgroup per row; 128 / ExpertCount lanes share an expert's dot product.
const uint Lanes = 128u;
const uint MaxExperts = 128u;
const uint LoadsAtOnce = 16u;
const float Lowest = -3.402823466e38;
layout(local_size_x = Lanes) in;
layout(constant_id = 0) const uint Dim = 1;
layout(constant_id = 1) const uint ExpertCount = 1;
layout(constant_id = 2) const uint TopK = 1;
layout(push_constant) uniform Push { uint site; };
layout(std430, set = 0, binding = 0) readonly buffer Rows { uint rowCount; };
layout(std430, set = 0, binding = 1) readonly buffer Input { float x[]; };
layout(std430, set = 0, binding = 2) readonly buffer Router { float router[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Ids { uint ids[]; };
layout(std430, set = 0, binding = 4) writeonly buffer Weights { float weights[]; };
layout(std430, set = 0, binding = 5) buffer Status { uint status; };

#include "include/finite.glsl"

const uint LanesPerExpert = Lanes / ExpertCount;
shared float partial[Lanes];
shared float logits[MaxExperts];
shared uint chosen[MaxExperts];     // 1 once an expert has its slot
shared float exponentials[MaxExperts];

void main()
{
    const uint row = gl_WorkGroupID.x, lane = gl_LocalInvocationID.x;
    if (row >= rowCount) return;

    const uint expert = lane / LanesPerExpert;
    precise float sum = 0.0;
    if (expert < ExpertCount)
    {
        // One workgroup has few loads on their way: a lane asks for LoadsAtOnce before it adds up the first.
        uint c = lane % LanesPerExpert;
        for (; c + (LoadsAtOnce - 1u) * LanesPerExpert < Dim; c += LoadsAtOnce * LanesPerExpert)
        {
            float weights[LoadsAtOnce], values[LoadsAtOnce];
            [[unroll]] for (uint i = 0u; i < LoadsAtOnce; ++i) weights[i] = router[expert * Dim + c + i * LanesPerExpert];
            [[unroll]] for (uint i = 0u; i < LoadsAtOnce; ++i) values[i] = x[row * Dim + c + i * LanesPerExpert];
            [[unroll]] for (uint i = 0u; i < LoadsAtOnce; ++i) sum = fma(weights[i], values[i], sum);
        }
        for (; c < Dim; c += LanesPerExpert) sum = fma(router[expert * Dim + c], x[row * Dim + c], sum);
    }
    partial[lane] = sum;
    barrier();

    if (lane < ExpertCount)
    {
        precise float logit = 0.0;
        for (uint i = 0u; i < LanesPerExpert; ++i) logit += partial[lane * LanesPerExpert + i];
        if (!is_finite(logit))
        {
            logit = Lowest;
            atomicMin(status, site);
        }
        logits[lane] = logit;
        chosen[lane] = 0u;
    }
    barrier();

    if (lane != 0u) return;
    float most = 0.0, total = 0.0;
    for (uint slot = 0u; slot < TopK; ++slot)
    {
        uint best = ExpertCount;
        for (uint e = 0u; e < ExpertCount; ++e)
            if (chosen[e] == 0u && (best == ExpertCount || logits[e] > logits[best])) best = e;
        chosen[best] = 1u;
        if (slot == 0u) most = logits[best];
        ids[row * TopK + slot] = best;
        exponentials[slot] = exp(logits[best] - most);
        total += exponentials[slot];
    }
    for (uint slot = 0u; slot < TopK; ++slot) weights[row * TopK + slot] = exponentials[slot] / total;
}
