// Part of main(): acc[stream * TokensPerPass + token] = sum over columns of weight(stream, column) * activation(token, column).
//
// Order of summation, the same for any number of streams and tokens and any way to fetch: units of columns are cut into Runs runs, and
// ColumnSplits * RunsPerLane of them are a part. Parts are added in ascending order, of a part its runs, of a run its units, of a unit its groups
// of columns with one scale and offset: first, each from zero, the sum of q * activation and of the activations, both in the order of
// step_column; then scale and offset times these. Parts over workgroups are left for add_parts.
//
// Needs: Streams, TokensPerPass, Cols; tileStart[matrix], first word of this lane's tile; row, first of this lane's rows in it;
// inputStart[token], first float of its activations; fetch.glsl; quant/<format>.glsl.
precise float acc[Streams * TokensPerPass];
{
    // A vector fetch leaves so little code that a unit's steps can stand one after the other.
    const uint StepsAtOnce = ActivationFetch != 0u ? UnitSteps : 1u;
    const uint lane = gl_LocalInvocationID.x, split = gl_LocalInvocationID.y;
    // Loops of constant bounds: compilers leave one of a single turn out, and schedule loads better then.
    for (uint part = 0u; part < PartsPerWorkgroup; ++part)
    {
        for (uint laneRun = 0u; laneRun < RunsPerLane; ++laneRun)
        {
            const uint run = ((gl_WorkGroupID.z * PartsPerWorkgroup + part) * ColumnSplits + split) * RunsPerLane + laneRun;
            precise float total[Streams * TokensPerPass];
            [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) total[i] = 0.0;
            const uint endUnit = (run + 1u) * Units / Runs;
            for (uint unit = run * Units / Runs; unit < endUnit; ++unit)
            {
                Unit units[Streams];
                [[unroll]] for (uint s = 0u; s < Streams; ++s) units[s] = load_unit(s, tileStart[s / RowsPerLane], unit, row + s % RowsPerLane / 4u * 4u);
                precise float dots[UnitGroups][Streams * TokensPerPass], sums[UnitGroups][TokensPerPass];
                [[unroll]] for (uint g = 0u; g < UnitGroups; ++g)
                {
                    [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) dots[g][i] = 0.0;
                    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) sums[g][t] = 0.0;
                }
                for (uint firstStep = 0u; firstStep < UnitSteps; firstStep += StepsAtOnce)
                [[unroll]] for (uint stp = firstStep; stp < firstStep + StepsAtOnce; ++stp)
                {
                    vec4 weights[Streams][StepVecs];
                    [[unroll]] for (uint s = 0u; s < Streams; ++s) weights[s] = decode_step(s, units[s], stp);
                    [[unroll]] for (uint v = 0u; v < StepVecs; ++v)
                    {
                        const uint group = v % UnitGroups;
                        vec4 x[TokensPerPass];
                        [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) x[t] = activations(inputStart[t], unit * UnitCols + step_column(stp, v));
                        [[unroll]] for (uint c = 0u; c < 4u; ++c)
                        {
                            [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) sums[group][t] += x[t][c];
                            [[unroll]] for (uint s = 0u; s < Streams; ++s)
                                [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
                                    dots[group][s * TokensPerPass + t] = fma(weights[s][v][c], x[t][c], dots[group][s * TokensPerPass + t]);
                        }
                    }
                }
                [[unroll]] for (uint g = 0u; g < UnitGroups; ++g)
                    [[unroll]] for (uint s = 0u; s < Streams; ++s)
                    {
                        const vec2 scaleOffset = unit_scale(units[s], g);
                        [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
                        {
                            const uint i = s * TokensPerPass + t;
                            total[i] = fma(scaleOffset.x, dots[g][i], total[i]);
                            if (HasOffset) total[i] = fma(scaleOffset.y, sums[g][t], total[i]);
                        }
                    }
            }
            [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) acc[i] = laneRun == 0u ? total[i] : acc[i] + total[i];
        }

        #include "include/add_runs.glsl"
    }
}
