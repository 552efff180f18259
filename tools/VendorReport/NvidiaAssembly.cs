using System.Text.RegularExpressions;

namespace VendorReport;

/// <summary>
/// Reads the listing of NAK, the compiler of NVK: blocks "block 5 L8 [4, 27] -> {" (predecessors) to "} -> [6, 7]" (successors),
/// instructions "r16 = lop3.LUT[0xc0] r15 0xf0f0f0f rZ // delay=6".
/// </summary>
internal static partial class NvidiaAssembly
{
    public static IReadOnlyList<BasicBlock> Parse(string text)
    {
        var blocks = new List<BasicBlock>();
        List<Instruction> instructions = [];
        foreach (string line in text.Split('\n'))
        {
            string code = line.Split("//")[0].Trim();
            if (code.StartsWith("block", StringComparison.Ordinal)) instructions = [];
            else if (End().Match(code) is { Success: true } end)
                blocks.Add(new BasicBlock(instructions, [.. Number().Matches(end.Groups[1].Value).Select(m => int.Parse(m.ValueSpan))]));
            else if (code.Length > 0) instructions.Add(Read(code));
        }
        return blocks;
    }

    private static Instruction Read(string code)
    {
        string[] sides = code.Split(" = ", 2);
        string right = Predicate().Replace(sides[^1].Trim(), "");
        string opcode = right.Split(' ')[0];
        return new Instruction(KindOf(opcode), 0, sides.Length == 2 ? [.. Registers(sides[0])] : [], [.. Registers(right)]);
    }

    private static InstructionKind KindOf(string opcode) => opcode.Split('.')[0] switch
    {
        "i2f" or "f2f" or "f2i" or "i2i" => InstructionKind.Convert,
        "ld" when opcode.Contains("shared", StringComparison.Ordinal) => InstructionKind.OtherMemory,
        "ld" or "ldg" => InstructionKind.Load,
        "ldc" => InstructionKind.ScalarLoad,
        "tld" or "tex" or "suld" => InstructionKind.Load,
        "st" or "lds" or "sts" or "ldsm" or "atom" or "atoms" or "red" => InstructionKind.OtherMemory,
        "bra" or "exit" or "bsync" or "bssy" or "bclear" or "bmov" or "warpsync" => InstructionKind.Branch,
        "nop" or "bar" or "membar" or "depbar" => InstructionKind.Wait,
        // The uniform data path: once per subgroup.
        ['u', ..] => InstructionKind.Scalar,
        _ => InstructionKind.Vector,
    };

    private static IEnumerable<int> Registers(string operands)
    {
        foreach (Match m in Register().Matches(operands))
        {
            int first = int.Parse(m.Groups[1].ValueSpan);
            int end = m.Groups[2].Success ? int.Parse(m.Groups[2].ValueSpan) : first + 1;
            for (int r = first; r < end; r++) yield return r;
        }
    }

    [GeneratedRegex(@"\br(\d+)(?:\.\.(\d+))?\b")]
    private static partial Regex Register();

    [GeneratedRegex(@"^@!?\S+\s+")]
    private static partial Regex Predicate();

    [GeneratedRegex(@"^\} -> \[(.*)\]")]
    private static partial Regex End();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();
}
