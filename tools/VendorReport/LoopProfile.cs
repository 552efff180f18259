namespace VendorReport;

/// <summary>What one pass through the main loop of a matrix product costs a subgroup.</summary>
/// <param name="Instructions">Instructions of any kind.</param>
/// <param name="VectorLanes">Lanes of vector instructions, conversions included: instructions times the lanes each works on.</param>
/// <param name="ConvertLanes">Those of conversions alone.</param>
/// <param name="Loads">Loads from memory, one per lane.</param>
/// <param name="LoadsInFlight">
/// Loads that are on their way when the subgroup has to wait for one, on average over the waits of a pass: in-order issue, a load waits at
/// the first instruction that names its register.
/// </param>
internal sealed record LoopProfile(double Instructions, double VectorLanes, double ConvertLanes, double Loads, double LoadsInFlight)
{
    /// <summary>
    /// Profile of the smallest loop that holds the most loads: that over units of columns, or of a kernel's other columns. Loops around it,
    /// over runs of units, hold no more. Throws where there is no loop.
    /// </summary>
    /// <param name="blocks">The program.</param>
    /// <param name="subgroupSize">Lanes of an instruction that states none.</param>
    /// <param name="innerTrips">How often an innermost loop in it, over a unit's steps, runs in a pass; compilers unroll it or leave it
    /// whole.</param>
    /// <param name="stepsHoldAllLoads">That loop holds all loads as well, as units without scales have none of their own.</param>
    public static LoopProfile OfMainLoop(IReadOnlyList<BasicBlock> blocks, int subgroupSize, int innerTrips, bool stepsHoldAllLoads)
    {
        IReadOnlyList<Loop> loops = Loops.Of(blocks);
        Loop main = loops.OrderByDescending(Loads).ThenByDescending(l => stepsHoldAllLoads && HasInner(l)).ThenBy(l => l.Blocks.Count)
            .FirstOrDefault() ?? throw new InvalidDataException("The program has no loop.");
        IEnumerable<Loop> innermost = loops.Where(l => l.Header != main.Header && main.Blocks.Contains(l.Header)
            && !loops.Any(o => o.Header != l.Header && l.Blocks.Contains(o.Header)));
        HashSet<int> inner = [.. innermost.SelectMany(l => l.Blocks)];

        double instructions = 0, vector = 0, convert = 0, loads = 0;
        foreach (int block in main.Blocks)
        {
            int trips = inner.Contains(block) ? innerTrips : 1;
            foreach (Instruction instruction in blocks[block].Instructions)
            {
                int lanes = instruction.Lanes == 0 ? subgroupSize : instruction.Lanes;
                instructions += trips;
                if (instruction.Kind is InstructionKind.Vector or InstructionKind.Convert) vector += trips * lanes;
                if (instruction.Kind == InstructionKind.Convert) convert += trips * lanes;
                if (IsLoad(instruction)) loads += trips;
            }
        }
        return new LoopProfile(instructions, vector, convert, loads,
            MeanInFlight([.. main.Blocks.Order().SelectMany(b => blocks[b].Instructions)]));

        int Loads(Loop loop) => loop.Blocks.Sum(b => blocks[b].Instructions.Count(IsLoad));

        bool HasInner(Loop loop) => loops.Any(o => o.Header != loop.Header && loop.Blocks.Contains(o.Header));
    }

    /// <summary>Loads come back in order.</summary>
    private static double MeanInFlight(IReadOnlyList<Instruction> code)
    {
        var open = new List<Instruction>();
        var atWaits = new List<int>();
        foreach (Instruction instruction in code)
        {
            int needed = open.FindLastIndex(load => load.Writes.Any(r => instruction.Reads.Contains(r) || instruction.Writes.Contains(r)));
            if (needed >= 0)
            {
                atWaits.Add(open.Count);
                open.RemoveRange(0, needed + 1);
            }
            if (IsLoad(instruction)) open.Add(instruction);
        }
        return atWaits.Count > 0 ? atWaits.Average() : open.Count;
    }

    private static bool IsLoad(Instruction instruction) => instruction.Kind == InstructionKind.Load;
}
