using System.Text.RegularExpressions;

namespace VendorReport;

/// <summary>
/// Reads the listing of Intel's compiler, as ANV gives it: "mul(16) g97&lt;1&gt;F g90&lt;8,8,1&gt;F g78&lt;8,8,1&gt;F { align1 1H };",
/// labels "LABEL4:". A send's message is described on the line after it.
/// </summary>
internal static partial class IntelAssembly
{
    public static IReadOnlyList<BasicBlock> Parse(string text)
    {
        var blocks = new BlockBuilder();
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.StartsWith("LABEL", StringComparison.Ordinal) && line.EndsWith(':')) blocks.Label(line[..^1]);
            else if (Opcode().Match(line) is { Success: true } m)
            {
                string message = i + 1 < lines.Length && lines[i + 1].Contains("MsgDesc", StringComparison.Ordinal) ? lines[i + 1] : "";
                Add(blocks, m.Groups[1].Value, int.Parse(m.Groups[2].ValueSpan), m.Groups[3].Value.Split('{')[0], message);
            }
        }
        return blocks.Build();
    }

    private static void Add(BlockBuilder blocks, string opcode, int lanes, string operands, string message)
    {
        InstructionKind kind = KindOf(opcode, lanes, operands, message);
        int[] registers = [.. Register().Matches(operands).Select(m => int.Parse(m.Groups[1].ValueSpan))];
        bool hasResult = registers.Length > 0 && !operands.TrimStart().StartsWith("null", StringComparison.Ordinal)
            && kind is not (InstructionKind.Branch or InstructionKind.Wait);
        // A load's further result registers are named by their uses only; the first stands for all.
        var instruction = new Instruction(kind, lanes, hasResult ? registers[..1] : [], hasResult ? registers[1..] : registers);
        Match jump = Jump().Match(operands);
        blocks.Add(instruction, jump.Success ? jump.Groups[1].Value : null);
    }

    private static InstructionKind KindOf(string opcode, int lanes, string operands, string message) => opcode.Split('.')[0] switch
    {
        // One lane's load of a whole block of memory, for all lanes.
        "send" or "sendc" or "sends" when lanes == 1 && IsLoad(message) => InstructionKind.ScalarLoad,
        "send" or "sendc" or "sends" => IsLoad(message) ? InstructionKind.Load : InstructionKind.OtherMemory,
        "if" or "else" or "endif" or "while" or "do" or "break" or "cont" or "halt" or "jmpi" => InstructionKind.Branch,
        "sync" or "wait" or "nop" => InstructionKind.Wait,
        "mov" when Conversion().IsMatch(operands) => InstructionKind.Convert,
        _ when lanes == 1 => InstructionKind.Scalar,
        _ => InstructionKind.Vector,
    };

    private static bool IsLoad(string message) => (message.Contains(" read", StringComparison.Ordinal)
        || message.Contains("load", StringComparison.Ordinal) || message.Contains("ld", StringComparison.Ordinal))
        && !message.Contains("slm", StringComparison.Ordinal) && !message.Contains("Surface = 254", StringComparison.Ordinal);

    [GeneratedRegex(@"^(?:\([^)]*\)\s*)?([a-z][a-z0-9_.]*)\s*\((\d+)\)\s*(.*)$")]
    private static partial Regex Opcode();

    [GeneratedRegex(@"\bg(\d+)")]
    private static partial Regex Register();

    [GeneratedRegex(@"JIP:\s*(LABEL\d+)")]
    private static partial Regex Jump();

    // Result float, operand anything else.
    [GeneratedRegex(@"^\S+>F\s+\S+>(U?[BWD]|HF)\b")]
    private static partial Regex Conversion();
}
