void main()
{
    const uint token = gl_WorkGroupID.x;
    if (token >= tokenCount) return;
    const uint row = tokenIds[token] - firstRow;    // wraps around below firstRow
    if (row >= rowCount) return;

    for (uint i = gl_LocalInvocationID.x; i < Units * UnitSteps; i += gl_WorkGroupSize.x)
    {
        const uint unit = i / UnitSteps, stp = i % UnitSteps;
        const vec4 weights[StepVecs] = decode_step(0u, load_unit(0u, row / 64u * TileWords, unit, row % 64u), stp);
        for (uint v = 0u; v < StepVecs; ++v)
            for (uint c = 0u; c < 4u; ++c)
            {
                const uint column = unit * UnitCols + step_column(stp, v) + c;
                if (column < Cols) y[token * Cols + column] = weights[v][c];
            }
    }
}
