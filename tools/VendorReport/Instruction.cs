namespace VendorReport;

/// <summary>Which unit of a GPU an instruction keeps busy.</summary>
internal enum InstructionKind
{
    /// <summary>Arithmetic on the lanes of a subgroup.</summary>
    Vector,
    /// <summary>Integer or half to float, a unit of its own on some GPUs.</summary>
    Convert,
    /// <summary>Once per subgroup: addresses, counters.</summary>
    Scalar,
    /// <summary>A load of every lane from memory.</summary>
    Load,
    /// <summary>A load once per subgroup (constants, uniform addresses).</summary>
    ScalarLoad,
    /// <summary>Stores and shared memory.</summary>
    OtherMemory,
    /// <summary>Jumps and masks of lanes.</summary>
    Branch,
    /// <summary>Waits, hints and other instructions that compute nothing.</summary>
    Wait,
}

/// <summary>One machine instruction.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Lanes">Lanes it works on, 0 where the assembly does not say: the whole subgroup.</param>
/// <param name="Writes">Vector registers it writes.</param>
/// <param name="Reads">Vector registers it reads.</param>
internal sealed record Instruction(InstructionKind Kind, int Lanes, IReadOnlyList<int> Writes, IReadOnlyList<int> Reads);

/// <summary>Instructions without a jump in between.</summary>
/// <param name="Instructions">In order.</param>
/// <param name="Successors">Indices of the blocks that may follow.</param>
internal sealed record BasicBlock(IReadOnlyList<Instruction> Instructions, IReadOnlyList<int> Successors);
