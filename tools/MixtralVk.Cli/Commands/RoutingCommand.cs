using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MixtralVk.Cpu;
using MixtralVk.Model;
using Spectre.Console;

namespace MixtralVk.Cli.Commands;

/// <summary>`routing FILE --text T -o heat.html`: which experts each layer chooses on one or more texts.</summary>
internal static class RoutingCommand
{
    private const int DefaultContext = 512;

    private sealed record Request(string File, string[] Texts, string? Output, int? Context, string? Trace,
        ExpertShare? ExpertsOnGpu, bool Json);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<string[]> texts = new Option<string[]>("--text")
        {
            Description = "A text file; several are compared, each under its file's name (one per language, for instance).",
            HelpName = "file", Required = true,
        }.AsPath();
        Option<string?> output = new Option<string?>("--output", "-o")
            { Description = "Write a page with the heat maps.", HelpName = "file.html" }.AsPath();
        Option<int?> context =
            CommonOptions.Positive("--context", $"Tokens the model sees at a time (the model's context, at most {DefaultContext}).");
        Option<string?> trace = new Option<string?>("--trace")
            { Description = "Write every choice, for tools/ExpertSimulator.", HelpName = "file" }.AsPath();
        Option<ExpertShare?> experts = CommonOptions.ExpertsOnGpu();
        Option<bool> json = CommonOptions.Json("Write the shares as JSON.");
        var command = new Command("routing",
            "Show which experts each layer chooses on texts. Runs on the CPU; with --experts-on-gpu also on a Vulkan device, for the hit rates.")
        {
            file, texts, output, context, trace, experts, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(parsed.GetRequiredValue(file), parsed.GetRequiredValue(texts), parsed.GetValue(output),
                parsed.GetValue(context), parsed.GetValue(trace), parsed.GetValue(experts), parsed.GetValue(json));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        string[] texts = [.. request.Texts.Select(TextFile.Read)];
        using MixtralModel model = ModelLoading.Load(request.File, "cpu",
            request.Context ?? ModelLoading.DefaultContext(request.File, DefaultContext), cancellation);
        if (!model.Config.IsSparse) throw new MixtralException($"{request.File} is a dense model: it has no experts to choose from.");
        if (model.ContextLength < 2) throw new MixtralException("A context of one token has no room for text.");
        var routings = new TextRouting[texts.Length];
        var trace = new RoutingTrace(model.Config);
        for (int i = 0; i < texts.Length; i++) routings[i] = Measure(model, request.Texts[i], texts[i], trace, cancellation);
        double[][][]? hitRates = request.ExpertsOnGpu is { } share ? MeasureHits(request, share, texts, cancellation) : null;

        ModelConfig config = model.Config;
        var report = new RoutingReport(request.File, config.Name, config.ExpertCount, config.ExpertsPerToken,
            [.. routings.Select((r, i) => r.Report() with { HitRates = hitRates?[i] })]);
        if (request.Trace is string tracePath) AtomicFile.Write(tracePath, trace.ToBytes());
        if (request.Output is string path) AtomicFile.Write(path, Encoding.UTF8.GetBytes(RoutingPage.Write(report)));
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.RoutingReport));
        else Print(report);
    }

    private static double[][][] MeasureHits(Request request, ExpertShare share, string[] texts, CancellationToken cancellation)
    {
        using MixtralModel model = ModelLoading.Load(request.File, "vulkan",
            request.Context ?? ModelLoading.DefaultContext(request.File, DefaultContext), cancellation, expertsOnGpu: share);
        return [.. texts.Select((text, i) =>
            HitRates.Measure(model, model.Tokenizer.Encode(text), Path.GetFileName(request.Texts[i]), cancellation))];
    }

    private static TextRouting Measure(MixtralModel model, string path, string text, RoutingTrace trace, CancellationToken cancellation)
    {
        var forward = (CpuForwardPass)model.ForwardPass;
        int[] tokens = model.Tokenizer.Encode(text, addSpecial: false);
        if (tokens.Length == 0) throw new MixtralException($"{path} is empty.");
        var routing = new TextRouting(path, forward.Config);
        var batch = new StepBatch(forward.MaxBatchTokens);
        int[][] windows = [.. tokens.Chunk(model.ContextLength - 1)];
        return WorkBar.Show(Path.GetFileName(path), windows.Length, report =>
        {
            foreach (int[] window in windows)
            {
                using var sequence = new KvSequence(forward.Pages);
                int skipped = model.Tokenizer.Bos >= 0 ? 1 : 0;
                int[] whole = skipped > 0 ? [model.Tokenizer.Bos, .. window] : window;
                foreach (int[] chunk in whole.Chunk(batch.Capacity))
                {
                    cancellation.ThrowIfCancellationRequested();
                    batch.Clear();
                    batch.Add(sequence, chunk, LogitRows.All);
                    forward.Begin(batch);
                    while (forward.NextStage < forward.Stages.Count)
                    {
                        Stage stage = forward.Stages[forward.NextStage];
                        forward.Run(1);
                        if (stage.Kind != StageKind.Router) continue;
                        ReadOnlySpan<int> chosen = forward.ChosenExperts[(skipped * forward.Config.ExpertsPerToken)..];
                        routing.Add(stage.Layer, chosen);
                        trace.Add(stage.Layer, chosen);
                    }
                    skipped = 0;
                }
                routing.EndWindow();
                report("");
            }
            return routing;
        });
    }

    private static void Print(RoutingReport report)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("text", "tokens", "repeated", "most used", "least used");
        foreach (TextReport text in report.Texts)
        {
            (int layer, int expert, double share)[] shares =
                [.. text.Layers.SelectMany((layer, l) => layer.Shares.Select((share, e) => (l, e, share)))];
            table.AddRow(Markup.Escape(text.Label), text.Tokens.ToString(CultureInfo.InvariantCulture),
                Percent(text.Layers.Average(layer => layer.RepeatedFirstChoice)), Place(shares.MaxBy(s => s.share)),
                Place(shares.MinBy(s => s.share)));
        }
        AnsiConsole.Write(table);
        foreach (TextReport text in report.Texts)
            if (text.HitRates is [var first, .., var last])
                Console.Out.WriteLine(
                    $"{text.Label}: {Percent(first.Average())} of the choices were on the GPU in its first piece, {Percent(last.Average())} in its last.");
        Console.Out.WriteLine(
            $"{report.Experts} experts, {report.ExpertsPerToken} per token; evenly used, each would have {Percent(1.0 / report.Experts)}.");
        Console.Out.WriteLine(
            "Most and least used: layer/expert and its share. Repeated: tokens whose first expert is that of the token before, mean of the layers.");

        static string Place((int Layer, int Expert, double Share) s) => $"{s.Layer}/{s.Expert}: {Percent(s.Share)}";
    }

    internal static string Percent(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + " %";
}

/// <summary>The JSON of `routing --json`.</summary>
internal sealed record RoutingReport(string File, string Model, int Experts, int ExpertsPerToken, IReadOnlyList<TextReport> Texts);

/// <summary>
/// Routing of one text. <paramref name="HitRates"/>: [piece of the text][layer], where GPU and processor shared the experts.
/// </summary>
internal sealed record TextReport(string Label, string Path, long Tokens, IReadOnlyList<LayerReport> Layers, double[][]? HitRates = null);

/// <summary>
/// Routing of one text in one layer. <paramref name="Shares"/>: each expert's part of all choices, together 1.
/// <paramref name="RepeatedFirstChoice"/>: how often a token's heaviest expert is that of the token before.
/// </summary>
internal sealed record LayerReport(IReadOnlyList<double> Shares, double RepeatedFirstChoice);
