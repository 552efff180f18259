using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MixtralVk.Bench;
using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using Spectre.Console;

namespace MixtralVk.Cli.Commands;

/// <summary>`bench FILE`: how fast a model runs on this machine.</summary>
internal static class BenchCommand
{
    private sealed record Request(string File, string Device, string Arithmetic, string Map, ExpertShare? ExpertsOnGpu, KvFormat Kv,
        int PromptTokens, int GenTokens, int Repeat, int[] Contexts, int[] Batches, int[] Frames, bool Json);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<int?> promptTokens = CommonOptions.Positive("--prompt-tokens", "Tokens of the prompt (128).");
        Option<int?> genTokens = CommonOptions.Positive("--gen-tokens", "Tokens generated one by one (32).");
        Option<int?> repeat = CommonOptions.Positive("--repeat", "Measured runs, after one that is not measured (3).");
        Option<int[]> contexts = CommonOptions.Ascending("--context", "Measure decode at these context lengths, too.");
        Option<int[]> batches = CommonOptions.Ascending("--batch", "Measure decode of so many sequences at once, too.");
        Option<int[]> frames = CommonOptions.Ascending("--frames",
            $"Measure game mode, too, with as many sequences as the last --batch: {FrameBench.PerSecond} frames a second that grant so many milliseconds each, and all there is.");
        Option<string> device = CommonOptions.Device();
        Option<string> arithmetic = CommonOptions.Arithmetic();
        Option<string> map = CommonOptions.Map();
        Option<ExpertShare?> experts = CommonOptions.ExpertsOnGpu();
        Option<KvFormat> kv = CommonOptions.Kv();
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("bench", "Measure prefill and decode: median, least and greatest over the runs.")
        {
            file, promptTokens, genTokens, repeat, contexts, batches, frames, device, arithmetic, map, experts, kv, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(parsed.GetRequiredValue(file), parsed.GetRequiredValue(device), parsed.GetRequiredValue(arithmetic),
                parsed.GetRequiredValue(map), parsed.GetValue(experts), parsed.GetValue(kv),
                parsed.GetValue(promptTokens) ?? 128, parsed.GetValue(genTokens) ?? 32, parsed.GetValue(repeat) ?? 3,
                parsed.GetRequiredValue(contexts), parsed.GetRequiredValue(batches), parsed.GetRequiredValue(frames),
                parsed.GetValue(json));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        BenchReport report = Measure(request, cancellation);
        if (request.Frames.Length > 0) report = report with { Frames = [.. MeasureFrames(request, report, cancellation)] };
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.BenchReport));
        else Print(report);
    }

    private static BenchReport Measure(Request request, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        using var memory = new PrivateMemory();
        int promptAndGen = request.PromptTokens + request.GenTokens, sequences = request.Batches.LastOrDefault(1);
        int context = Math.Max(promptAndGen, request.Contexts.LastOrDefault() + request.GenTokens);
        int kvTokens = Math.Max(context, sequences * KvPages.PagesFor(promptAndGen) * KvPages.PageTokens);
        using MixtralModel model = Load(request, context, kvTokens, Pacing.Free, cancellation);
        int mostSequences = model.ForwardPass.MaxBatchTokens;
        if (sequences > mostSequences)
            throw new MixtralException($"A step takes at most {mostSequences} sequences here, not {sequences} (--batch).");
        double loadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long weightBytesPerToken;
        using (ModelSource source = ModelSource.Open(request.File)) weightBytesPerToken = source.Describe().BytesPerToken;

        var bench = new DecodeBench(model.ForwardPass, request.PromptTokens, request.GenTokens);
        long firstRun = Stopwatch.GetTimestamp();
        BenchRun first = bench.Run(cancellation); // compiles shaders, fills caches
        double startToFirstToken = ProcessMeter.MillisecondsFromStart(firstRun) + first.FirstTokenSeconds * 1000;
        BenchRun[] runs = [.. Enumerable.Range(0, request.Repeat).Select(_ => bench.Run(cancellation))];

        StepCost? cost = (model.ForwardPass as VulkanForwardPass)?.CostOf(1, 1);
        Spread decode = Spread.Of(runs.Select(run => request.GenTokens / run.DecodeSeconds));
        return new BenchReport(
            request.File, model.Device.Description, request.PromptTokens, request.GenTokens, request.Repeat, loadSeconds,
            Spread.Of(runs.Select(run => request.PromptTokens / run.PrefillSeconds)), decode,
            Spread.Of(runs.Select(run => run.FirstTokenSeconds)), weightBytesPerToken, decode.Median * weightBytesPerToken / 1e9,
            Spread.Of(runs.Select(run => run.PrefillCpuSeconds / request.PromptTokens)),
            Spread.Of(runs.Select(run => run.DecodeCpuSeconds / request.GenTokens)),
            ProcessMeter.PeakMemory, cost?.Dispatches, cost?.IndirectDispatches, cost?.Barriers, cost?.Copies, cost?.Submissions,
            [.. ContextBench.Run(model.ForwardPass, request.Contexts, request.GenTokens, request.Repeat,
                weightBytesPerToken, cancellation)],
            [.. BatchBench.Run(model.ForwardPass, request.Batches, request.PromptTokens, request.GenTokens, request.Repeat, cancellation)],
            memory.PeakBytes, startToFirstToken, Loading(model), model.ExpertActivity, []);
    }

    /// <summary>On a model of its own, as pacing is chosen at loading.</summary>
    private static IEnumerable<FrameReport> MeasureFrames(Request request, BenchReport plain, CancellationToken cancellation)
    {
        int sequences = request.Batches.LastOrDefault(1), context = request.PromptTokens + request.GenTokens + 1;
        using MixtralModel model =
            Load(request, context, sequences * KvPages.PagesFor(context) * KvPages.PageTokens, Pacing.PerFrame, cancellation);
        double decode = (plain.Batches.Count > 0 ? plain.Batches[^1].DecodeTokensPerSecond : plain.DecodeTokensPerSecond).Median;
        double plainSeconds = sequences * (request.PromptTokens / plain.PrefillTokensPerSecond.Median + request.GenTokens / decode);
        var bench = new FrameBench(model, sequences, request.PromptTokens, request.GenTokens);
        foreach (int? milliseconds in (int?[])[.. request.Frames, null])
            yield return bench.Run(milliseconds, request.Repeat, plainSeconds, cancellation);
    }

    /// <summary>Experts stay where loading puts them, by their number, so that every run has the same ones on either side.</summary>
    private static MixtralModel Load(Request request, int context, int? kvTokens, Pacing pacing, CancellationToken cancellation) =>
        ModelLoading.Load(request.File, request.Device, context, cancellation, request.Kv, kvCacheTokens: kvTokens, map: request.Map,
            arithmetic: request.Arithmetic, expertsOnGpu: request.ExpertsOnGpu,
            pacing: pacing, placement: ExpertPlacement.Fixed);

    private static void Print(BenchReport report)
    {
        Console.Out.WriteLine(
            $"{report.PromptTokens} prompt tokens, {report.GenTokens} generated, median (least to greatest) of {report.Repeat}");
        Line("prefill", report.PrefillTokensPerSecond, "tokens/s");
        Line("decode", report.DecodeTokensPerSecond, "tokens/s");
        Line("first token", report.FirstTokenSeconds, "s");
        Line("CPU, prefill", report.PrefillCpuSecondsPerToken, "s/token");
        Line("CPU, decode", report.DecodeCpuSecondsPerToken, "s/token");
        Console.Out.WriteLine(
            $"{"weights",-14}{Quantity.Bytes(report.WeightBytesPerToken)} read per token, {Quantity.Number(report.WeightGBPerSecond)} GB/s in decode");
        if (report.DispatchesPerToken is int dispatches)
            Console.Out.WriteLine(
                $"{"commands",-14}{dispatches} dispatches ({report.IndirectDispatchesPerToken} indirect), {report.BarriersPerToken} barriers, {report.CopiesPerToken} copies, {report.SubmissionsPerToken} submission{(report.SubmissionsPerToken == 1 ? "" : "s at the most")} per token");
        Console.Out.WriteLine(
            $"{"memory",-14}{Quantity.Bytes(report.PeakMemoryBytes)} at the most, {Quantity.Bytes(report.PeakPrivateBytes)} of it private");
        LoadingReport loading = report.Loading;
        Console.Out.WriteLine(
            $"{"loading",-14}{Quantity.Number(report.LoadSeconds)} s, first token {Quantity.Number(report.StartToFirstTokenMs / 1000)} s after the process started");
        Console.Out.WriteLine(
            $"{"",-14}{Quantity.Bytes(loading.InPlaceBytes)} used in place, {Quantity.Bytes(loading.CopiedBytes)} copied at {Quantity.Number(loading.UploadBytesPerSecond / 1e9)} GB/s (memcpy {Quantity.Number(loading.MemcpyBytesPerSecond / 1e9)})");
        if (report.Experts.Count > 0) PrintExperts(report.Experts);
        if (report.Contexts.Count > 0) PrintContexts(report.Contexts);
        if (report.Batches.Count > 0) PrintBatches(report.Batches);
        if (report.Frames.Count > 0) PrintFrames(report.Frames);
    }

    private static void PrintExperts(IReadOnlyList<LayerActivity> layers)
    {
        double overlap = layers.Sum(l => l.OverlapMilliseconds), shorter = layers.Sum(l => l.ShorterMilliseconds);
        Console.Out.WriteLine(
            $"{"experts",-14}{Quantity.Number(100.0 * layers.Sum(l => l.Hits) / layers.Sum(l => l.Hits + l.Misses))} % hits; GPU {Quantity.Number(layers.Sum(l => l.GpuMilliseconds))} ms, CPU {Quantity.Number(layers.Sum(l => l.CpuMilliseconds))} ms");
        Console.Out.WriteLine($"{"",-14}{Quantity.Number(overlap)} ms at the same time, of the {Quantity.Number(shorter)} that both could");
    }

    private static LoadingReport Loading(MixtralModel model)
    {
        WeightTransfer transfer = model.ForwardPass.Transfer;
        return new LoadingReport(transfer.CopiedBytes, transfer.InPlaceBytes, transfer.BytesPerSecond, MemcpyRate.Measure());
    }

    /// <summary>Decode by context: what it takes beside what it reads, both over the shortest context.</summary>
    private static void PrintContexts(IReadOnlyList<ContextReport> reports)
    {
        Table table = NewTable("context", "tokens/s", "CPU s/token", "bytes/token", "CPU over first", "bytes over first");
        foreach (ContextReport r in reports)
            table.AddRow($"{r.ContextTokens}", Quantity.Number(r.DecodeTokensPerSecond.Median),
                Quantity.Number(r.DecodeCpuSecondsPerToken.Median), Quantity.Bytes(r.BytesPerToken),
                Quantity.Number(r.DecodeCpuSecondsPerToken.Median / reports[0].DecodeCpuSecondsPerToken.Median),
                Quantity.Number((double)r.BytesPerToken / reports[0].BytesPerToken));
        Print(table);
    }

    /// <summary>Decode by sequences: all tokens together, over the fewest sequences.</summary>
    private static void PrintBatches(IReadOnlyList<BatchReport> reports)
    {
        Table table = NewTable("sequences", "tokens/s", "CPU s/token", "tokens/s over first", "tokens/CPU s over first");
        foreach (BatchReport r in reports)
            table.AddRow($"{r.Sequences}", Quantity.Number(r.DecodeTokensPerSecond.Median),
                Quantity.Number(r.DecodeCpuSecondsPerToken.Median),
                Quantity.Number(r.DecodeTokensPerSecond.Median / reports[0].DecodeTokensPerSecond.Median),
                Quantity.Number(reports[0].DecodeCpuSecondsPerToken.Median / r.DecodeCpuSecondsPerToken.Median));
        Print(table);
    }

    /// <summary>Game mode by what a frame grants, a column each: the figures are more than a console is wide.</summary>
    private static void PrintFrames(IReadOnlyList<FrameReport> reports)
    {
        Table table = NewTable(["granted", .. reports.Select(r => r.BudgetMilliseconds is int ms ? $"{ms} ms" : "all")]);
        table.Columns[0].LeftAligned();
        Row("frames per token", r => Quantity.Number(r.FramesPerToken.Median));
        Row("prompts, tokens/s", r => Quantity.Number(r.PromptTokensPerSecond.Median));
        Row("tokens/s", r => Quantity.Number(r.DecodeTokensPerSecond.Median));
        Row("of plain", r => $"{Quantity.Number(100 * r.OfPlain.Median)} %");
        Row("device, ms per frame", r => Quantity.Number(r.MeanDeviceMs));
        Row("device, p95 of frames", r => Quantity.Number(r.DeviceP95Ms));
        Row("longest submission, ms", r => Quantity.Number(r.LongestSliceMs));
        Row("tick, ms, p50", r => Quantity.Number(r.TickP50Ms));
        Row("tick, ms, p99", r => Quantity.Number(r.TickP99Ms));
        Print(table);

        void Row(string figure, Func<FrameReport, string> value) => table.AddRow([figure, .. reports.Select(value)]);
    }

    private static Table NewTable(params string[] columns)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns) table.AddColumn(new TableColumn(column).RightAligned());
        return table;
    }

    private static void Print(Table table) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) }).Write(table);

    private static void Line(string label, Spread values, string unit) => Console.Out.WriteLine(
        $"{label,-14}{Quantity.Number(values.Median)} {unit} ({Quantity.Number(values.Min)} to {Quantity.Number(values.Max)})");
}

/// <summary>
/// The JSON of `bench --json`. Times in seconds, CPU time of all threads together; commands per decoded token are null on the CPU.
/// <paramref name="Experts"/>: by layer, over all runs, where GPU and CPU share them.
/// </summary>
internal sealed record BenchReport(
    string File, string Device, int PromptTokens, int GenTokens, int Repeat, double LoadSeconds, Spread PrefillTokensPerSecond,
    Spread DecodeTokensPerSecond, Spread FirstTokenSeconds, long WeightBytesPerToken, double WeightGBPerSecond,
    Spread PrefillCpuSecondsPerToken,
    Spread DecodeCpuSecondsPerToken, long PeakMemoryBytes, int? DispatchesPerToken, int? IndirectDispatchesPerToken, int? BarriersPerToken,
    int? CopiesPerToken, int? SubmissionsPerToken, IReadOnlyList<ContextReport> Contexts, IReadOnlyList<BatchReport> Batches,
    long PeakPrivateBytes, double StartToFirstTokenMs, LoadingReport Loading, IReadOnlyList<LayerActivity> Experts,
    IReadOnlyList<FrameReport> Frames);

/// <summary>How the weights were loaded; <paramref name="UploadBytesPerSecond"/> has reading and repacking in it.</summary>
internal sealed record LoadingReport(long CopiedBytes, long InPlaceBytes, double UploadBytesPerSecond, double MemcpyBytesPerSecond);
