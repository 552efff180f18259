// Part of main(): what multiply.glsl does, with activations of 8 bits and packed dot products.
//
// Order of summation: runs and parts as there. Of a unit, each block of 32 columns gives the exact integer sum of quant times quant, times an
// integer scale where the format has one; then scale and offset, times those of the activations, add this and the activations' sum.
//
// Needs, beside what multiply.glsl does: quants[], rows as quantize_rows leaves them; dot_bytes.glsl; packed/<format>.glsl.
precise float acc[Streams * TokensPerPass];
{
    const uint UnitBlocks = UnitCols / 32u;
    const uint lane = gl_LocalInvocationID.x, split = gl_LocalInvocationID.y;
    uint quantStart[TokensPerPass];
    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) quantStart[t] = inputStart[t] / 16u * 5u;
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
                int dots[UnitBlocks][Streams * TokensPerPass];
                [[unroll]] for (uint b = 0u; b < UnitBlocks; ++b)
                    [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) dots[b][i] = 0;
                // A sum of words: compilers do not see that a quotient of a sum of columns is one.
                uint unitStart[TokensPerPass];
                [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) unitStart[t] = quantStart[t] + unit * (UnitCols / 4u);
                for (uint stp = 0u; stp < UnitSteps; ++stp)
                {
                    uint words[Streams][StepVecs];
                    [[unroll]] for (uint s = 0u; s < Streams; ++s) words[s] = packed_step(s, units[s], stp);
                    [[unroll]] for (uint v = 0u; v < StepVecs; ++v)
                    {
                        const uint b = v % UnitBlocks;
                        int x[TokensPerPass];
                        [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t) x[t] = int(quants[unitStart[t] + step_column(stp, v) / 4u]);
                        [[unroll]] for (uint s = 0u; s < Streams; ++s)
                            [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
                                dots[b][s * TokensPerPass + t] += packed_scale(units[s], stp, v) * dot_bytes(int(words[s][v]), x[t], 0);
                    }
                }
                [[unroll]] for (uint b = 0u; b < UnitBlocks; ++b)
                    [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
                    {
                        const uint header = quantStart[t] + Cols / 4u + (unit * UnitBlocks + b) * 2u;
                        const float quantScale = uintBitsToFloat(quants[header]), quantSum = uintBitsToFloat(quants[header + 1u]);
                        [[unroll]] for (uint s = 0u; s < Streams; ++s)
                        {
                            const uint i = s * TokensPerPass + t;
                            const vec2 scaleOffset = unit_scale(units[s], b % UnitGroups);
                            total[i] = fma(scaleOffset.x * quantScale, float(dots[b][i]), total[i]);
                            if (HasOffset) total[i] = fma(scaleOffset.y, quantSum, total[i]);
                        }
                    }
            }
            [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) acc[i] = laneRun == 0u ? total[i] : acc[i] + total[i];
        }

        #include "include/add_runs.glsl"
    }
}
