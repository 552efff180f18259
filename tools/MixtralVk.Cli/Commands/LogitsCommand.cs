using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Runtime.InteropServices;
using MixtralVk.Model;

namespace MixtralVk.Cli.Commands;

/// <summary>`logits FILE --tokens 1,5,9 --out F`: the logits of every position, to compare with other programs.</summary>
internal static class LogitsCommand
{
    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        var tokens = new Option<int[]>("--tokens")
        {
            Description = "Token ids, separated by commas.", HelpName = "1,5,9", Required = true, CustomParser = ParseTokens,
        };
        Option<string> output = new Option<string>("--out") { Description = "File to write.", HelpName = "file", Required = true }.AsPath();
        Option<string> device = CommonOptions.Device();
        Option<string> arithmetic = CommonOptions.Arithmetic();
        Option<string> map = CommonOptions.Map();
        Option<KvFormat> kv = CommonOptions.Kv();
        Option<int?> chunk = CommonOptions.Positive("--chunk", "Most tokens computed at once.");
        var command = new Command(
            "logits", "Write the logits of every position as raw little-endian 32-bit floats, one row of vocabulary size per token.")
        {
            file, tokens, output, device, arithmetic, map, kv, chunk,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(
            parsed.GetRequiredValue(file), parsed.GetRequiredValue(tokens), parsed.GetRequiredValue(output),
            parsed.GetRequiredValue(device), parsed.GetRequiredValue(arithmetic), parsed.GetRequiredValue(map),
            parsed.GetValue(kv), parsed.GetValue(chunk), cancellation), cancellation));
        return command;
    }

    private static void Run(string file, int[] tokens, string output, string device, string arithmetic, string map, KvFormat kv,
        int? chunk, CancellationToken cancellation)
    {
        using MixtralModel model =
            ModelLoading.Load(file, device, tokens.Length, cancellation, kv, chunk, map: map, arithmetic: arithmetic);
        AtomicFile.Write(output, stream => WriteRows(model.ForwardPass, tokens, stream, cancellation));
    }

    private static void WriteRows(ForwardPass forward, int[] tokens, Stream stream, CancellationToken cancellation)
    {
        var batch = new StepBatch(forward.MaxBatchTokens);
        using var sequence = new KvSequence(forward.Pages);
        foreach (int[] chunk in tokens.Chunk(forward.MaxBatchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            batch.Clear();
            batch.Add(sequence, chunk, LogitRows.All);
            forward.Step(batch);
            for (int row = 0; row < chunk.Length; row++) stream.Write(MemoryMarshal.AsBytes(forward.Logits(row)));
        }
    }

    private static int[] ParseTokens(ArgumentResult result)
    {
        string[] words = result.Tokens[0].Value.Split(',');
        var tokens = new int[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            if (int.TryParse(words[i], NumberStyles.Integer, CultureInfo.InvariantCulture, out tokens[i])) continue;
            result.AddError($"'{words[i]}' in --tokens is not a token id.");
            return [];
        }
        return tokens;
    }
}
