void main()
{
    const uint token = gl_WorkGroupID.x;
    if (token >= tokenCount) return;
    const uint row = tokenIds[token] - firstRow;    // wraps around below firstRow
    if (row >= rowCount) return;

    for (uint i = gl_LocalInvocationID.x; i < Units * UnitSteps; i += gl_WorkGroupSize.x)
    {
        const uint unit = i / UnitSteps, stp = i % UnitSteps;
        const Unit scaled = load_unit(0u, row / 64u * TileWords, unit, row % 64u);
        const vec4 weights[StepVecs] = decode_step(0u, scaled, stp);
        for (uint v = 0u; v < StepVecs; ++v)
            for (uint c = 0u; c < 4u; ++c)
            {
                const uint column = unit * UnitCols + step_column(stp, v) + c;
                const vec2 scale = unit_scale(scaled, v % UnitGroups);
                if (column < Cols) y[token * Cols + column] = fma(scale.x, weights[v][c], scale.y);
            }
    }
}
