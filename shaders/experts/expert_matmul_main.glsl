void main()
{
    #include "include/expert_pass.glsl"
    #include "include/multiply.glsl"

    if (gl_LocalInvocationID.y != 0u) return;
    [[unroll]] for (uint s = 0u; s < Streams; ++s)
    {
        const uint row = (firstTile + s) * 64u + gl_LocalInvocationID.x;
        [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
            if (row < outputRows && firstEntry + t < count)
                y[entry[t] * outputStride + firstRow + row] = acc[s * TokensPerPass + t];
    }
}
