// How a product reads activations. Needs: activation_storage(index), activation_uniform(index), activation_texel(index), UnitCols.

// Four activations from a multiple of four on, where Cols is one; else those past the row's end are zero.
vec4 activations(uint start, uint column)
{
    const uint index = start + column;
    if (Cols % UnitCols != 0u && column >= Cols) return vec4(0.0);
    if (ActivationFetch == 1u) return activation_uniform(index / 4u);
    if (ActivationFetch == 2u) return activation_texel(index / 4u);
    vec4 x;
    [[unroll]] for (uint c = 0u; c < 4u; ++c) x[c] = Cols % 4u == 0u || column + c < Cols ? activation_storage(index + c) : 0.0;
    return x;
}
