// Part of main(): acc[stream * TokensPerPass + token] = sum over columns of weight(stream, column) * activation(token, column).
//
// A stream is one row of weights of this lane: a row of each of several tiles, or of the gate and the up matrix. Order of summation, the
// same for any number of streams and tokens: units of columns are cut into ColumnSplits runs, each with one accumulator that takes the
// columns in the order of step_column; the runs are added in ascending order.
//
// Needs: Streams, TokensPerPass, Cols; tileStart[stream], first word of its tile; inputStart[token], first float of its activations;
// weight_word(stream, index); activation(index); quant/<format>.glsl.
precise float acc[Streams * TokensPerPass];
{
    const uint row = gl_LocalInvocationID.x, run = gl_LocalInvocationID.y, runs = gl_WorkGroupSize.y;
    [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) acc[i] = 0.0;

    const uint endUnit = (run + 1u) * Units / runs;
    for (uint unit = run * Units / runs; unit < endUnit; ++unit)
    {
        Unit units[Streams];
        [[unroll]] for (uint s = 0u; s < Streams; ++s) units[s] = load_unit(s, tileStart[s], unit, row);
        for (uint stp = 0u; stp < UnitSteps; ++stp)
        {
            vec4 weights[Streams][StepVecs];
            [[unroll]] for (uint s = 0u; s < Streams; ++s) weights[s] = decode_step(s, units[s], stp);
            [[unroll]] for (uint v = 0u; v < StepVecs; ++v)
                [[unroll]] for (uint t = 0u; t < TokensPerPass; ++t)
                    [[unroll]] for (uint c = 0u; c < 4u; ++c)
                    {
                        const uint column = unit * UnitCols + step_column(stp, v) + c;
                        const float x = Cols % UnitCols == 0u || column < Cols ? activation(inputStart[t] + column) : 0.0;
                        [[unroll]] for (uint s = 0u; s < Streams; ++s)
                            acc[s * TokensPerPass + t] = fma(weights[s][v][c], x, acc[s * TokensPerPass + t]);
                    }
        }
    }

    // One run after the other is added to run 0, so that shared memory holds only one.
    for (uint other = 1u; other < runs; ++other)
    {
        if (run == other)
            [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) partial[i * 64u + row] = acc[i];
        barrier();
        if (run == 0u)
            [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) acc[i] += partial[i * 64u + row];
        barrier();
    }
}
