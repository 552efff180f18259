namespace VendorReport;

/// <summary>Cuts a listing with labels and jumps into basic blocks.</summary>
internal sealed class BlockBuilder
{
    private readonly List<(List<Instruction> Instructions, List<string> Targets, bool FallsThrough)> _blocks = [];
    private readonly Dictionary<string, int> _labels = [];

    public BlockBuilder() => Begin();

    /// <summary>A label: the start of a block.</summary>
    public void Label(string name)
    {
        if (_blocks[^1].Instructions.Count > 0) Begin();
        _labels[name] = _blocks.Count - 1;
    }

    /// <summary>An instruction; a jump to <paramref name="target"/> ends the block, and so does what never goes on.</summary>
    public void Add(Instruction instruction, string? target = null, bool fallsThrough = true)
    {
        var (instructions, targets, _) = _blocks[^1];
        instructions.Add(instruction);
        if (target is null && fallsThrough) return;
        if (target is not null) targets.Add(target);
        _blocks[^1] = (instructions, targets, fallsThrough);
        Begin();
    }

    /// <summary>The blocks in the order of the listing.</summary>
    public IReadOnlyList<BasicBlock> Build() =>
        [.. _blocks.Select((b, i) => new BasicBlock(b.Instructions,
            [.. b.Targets.Select(t => _labels[t]).Concat(b.FallsThrough && i + 1 < _blocks.Count ? [i + 1] : []).Distinct()]))];

    private void Begin() => _blocks.Add(([], [], true));
}
