        // Part of main(): adds acc, the sum of a lane's runs, over the workgroup's splits, and then over its parts.
        // One split after the other is added to the first, so that shared memory holds only one.
        if (AddsInWorkgroup)
            for (uint other = 1u; other < ColumnSplits; ++other)
            {
                if (split == other)
                    [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) partial[i * Lanes + lane] = acc[i];
                barrier();
                if (split == 0u)
                    [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i) acc[i] += partial[i * Lanes + lane];
                barrier();
            }

        // Finished parts wait in shared memory, as registers are scarce: each lane reads only what it wrote.
        if (PartsPerWorkgroup > 1u && split == 0u)
            [[unroll]] for (uint i = 0u; i < Streams * TokensPerPass; ++i)
            {
                if (part > 0u) acc[i] = parts[i * Lanes + lane] + acc[i];
                parts[i * Lanes + lane] = acc[i];
            }
