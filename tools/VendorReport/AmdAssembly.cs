using System.Text.RegularExpressions;

namespace VendorReport;

/// <summary>Reads LLVM's listing of AMD code, as RADV gives it: "v_fmac_f32_e32 v4, v11, v12  ; 5608190b", labels "BB5:".</summary>
internal static partial class AmdAssembly
{
    public static IReadOnlyList<BasicBlock> Parse(string text)
    {
        var blocks = new BlockBuilder();
        foreach (string line in text.Split('\n'))
        {
            string code = line.Split(';')[0].Trim();
            if (code.EndsWith(':')) blocks.Label(code[..^1]);
            else if (code.Length > 0) Add(blocks, code);
        }
        return blocks.Build();
    }

    private static void Add(BlockBuilder blocks, string code)
    {
        int space = code.IndexOf(' ', StringComparison.Ordinal);
        string opcode = space < 0 ? code : code[..space];
        string[] operands = space < 0 ? [] : code[space..].Split(',');
        InstructionKind kind = KindOf(opcode);
        // A store has no result; everything else writes its first operand, and a multiply-accumulate reads it as well.
        bool hasResult = kind is InstructionKind.Vector or InstructionKind.Convert or InstructionKind.Load
            || kind == InstructionKind.OtherMemory && !opcode.Contains("store", StringComparison.Ordinal);
        bool readsResult = !hasResult || opcode.Contains("mac", StringComparison.Ordinal);
        int[] writes = hasResult && operands.Length > 0 ? [.. Registers(operands[0])] : [];
        var instruction = new Instruction(kind, 0, writes, [.. operands.Skip(readsResult ? 0 : 1).SelectMany(Registers)]);
        bool jumps = opcode == "s_branch" || opcode.StartsWith("s_cbranch", StringComparison.Ordinal);
        blocks.Add(instruction, jumps ? operands[0].Trim() : null, opcode is not ("s_branch" or "s_endpgm"));
    }

    private static InstructionKind KindOf(string opcode) => opcode switch
    {
        _ when opcode.StartsWith("v_cvt", StringComparison.Ordinal) => InstructionKind.Convert,
        _ when opcode.StartsWith("v_", StringComparison.Ordinal) => InstructionKind.Vector,
        _ when opcode.StartsWith("s_load", StringComparison.Ordinal) || opcode.StartsWith("s_buffer_load", StringComparison.Ordinal) =>
            InstructionKind.ScalarLoad,
        _ when opcode.StartsWith("s_wait", StringComparison.Ordinal)
            || opcode is "s_nop" or "s_clause" or "s_barrier" or "s_delay_alu" or "s_inst_prefetch" => InstructionKind.Wait,
        _ when opcode.StartsWith("s_branch", StringComparison.Ordinal) || opcode.StartsWith("s_cbranch", StringComparison.Ordinal)
            || opcode == "s_endpgm" => InstructionKind.Branch,
        _ when opcode.StartsWith("s_", StringComparison.Ordinal) => InstructionKind.Scalar,
        _ when opcode.Contains("load", StringComparison.Ordinal) => InstructionKind.Load,
        _ => InstructionKind.OtherMemory,
    };

    private static IEnumerable<int> Registers(string operand)
    {
        foreach (Match m in VectorRegister().Matches(operand))
        {
            int first = int.Parse(m.Groups[1].ValueSpan);
            int last = m.Groups[2].Success ? int.Parse(m.Groups[2].ValueSpan) : first;
            for (int r = first; r <= last; r++) yield return r;
        }
    }

    [GeneratedRegex(@"\bv\[?(\d+)(?::(\d+)\])?")]
    private static partial Regex VectorRegister();
}
