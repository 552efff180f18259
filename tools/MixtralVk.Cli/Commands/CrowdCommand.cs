using System.CommandLine;
using System.Text.Json;
using MixtralVk.Model;

namespace MixtralVk.Cli.Commands;

/// <summary>`crowd FILE`: what many characters on one model take.</summary>
internal static class CrowdCommand
{
    private sealed record Request(string File, int Characters, int Lore, string Device, KvFormat Kv, bool Json);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<int?> characters = CommonOptions.Positive("--characters", "Characters (16).");
        Option<int?> lore = CommonOptions.Positive("--lore", "Tokens that the characters' texts begin with (400).");
        Option<string> device = CommonOptions.Device();
        Option<KvFormat> kv = CommonOptions.Kv();
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("crowd",
            "Measure many characters on one model: memory and prefill with common lore and apart, waiting with a KV cache of all and of a quarter.")
        {
            file, characters, lore, device, kv, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(parsed.GetRequiredValue(file), parsed.GetValue(characters) ?? 16, parsed.GetValue(lore) ?? 400,
                parsed.GetRequiredValue(device),
                parsed.GetValue(kv), parsed.GetValue(json));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        int context = CrowdBench.TextTokens(request.Lore);
        MixtralModel Load(int kvTokens)
        {
            try
            {
                return ModelLoading.Load(request.File, request.Device, context, cancellation, request.Kv, kvCacheTokens: kvTokens);
            }
            catch (ContextOverflowException e)
            {
                throw new MixtralException(
                    $"The model's context is {e.Available} tokens, too short for --lore {request.Lore}: the texts have {context}.", e);
            }
        }
        var bench = new CrowdBench(Load, request.Characters, request.Lore);
        (CrowdPrefill shared, CrowdPrefill apart) = bench.Prefill(cancellation);
        (CrowdWait all, IReadOnlyList<int> answers) = bench.Speak(1, cancellation);
        (CrowdWait quarter, IReadOnlyList<int> sameAnswers) = bench.Speak(0.25, cancellation);
        var report = new CrowdReport(request.File, request.Characters, request.Lore, shared, apart, all, quarter,
            answers.SequenceEqual(sameAnswers));
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.CrowdReport));
        else Print(report);
    }

    private static void Print(CrowdReport report)
    {
        Console.Out.WriteLine($"{report.Characters} characters, {report.LoreTokens} tokens of lore");
        Beginnings("lore shared", report.Shared);
        Beginnings("apart", report.Apart);
        Waiting("room for all", report.RoomForAll);
        Waiting("for a quarter", report.RoomForAQuarter);
        Console.Out.WriteLine(report.SameAnswers ? "the same answers with both" : "NOT the same answers with both");
    }

    private static void Beginnings(string label, CrowdPrefill prefill) => Console.Out.WriteLine(
        $"{label,-14}prefill {Quantity.Number(prefill.Seconds)} s ({Quantity.Number(prefill.CpuSeconds)} of the CPU) for {prefill.ComputedTokens} tokens, keys and values {Quantity.Bytes(prefill.KvBytes)}");

    private static void Waiting(string label, CrowdWait wait) => Console.Out.WriteLine(
        $"{label,-14}first token after {Quantity.Number(wait.Seconds.Median)} s, 95 % within {Quantity.Number(wait.P95Seconds)} s; KV cache {Quantity.Bytes(wait.CacheBytes)}");
}

/// <summary>
/// The JSON of `crowd --json`. Times in seconds, CPU time of all threads together; whether what was said is the same with room for all and
/// for a quarter.
/// </summary>
internal sealed record CrowdReport(
    string File, int Characters, int LoreTokens, CrowdPrefill Shared, CrowdPrefill Apart, CrowdWait RoomForAll,
    CrowdWait RoomForAQuarter, bool SameAnswers);
