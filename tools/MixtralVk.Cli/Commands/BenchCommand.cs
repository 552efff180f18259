using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MixtralVk.Loading;

namespace MixtralVk.Cli.Commands;

/// <summary>`bench FILE`: how fast a model runs on this machine.</summary>
internal static class BenchCommand
{
    private sealed record Request(string File, string Device, int PromptTokens, int GenTokens, int Repeat, bool Json);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<int?> promptTokens = CommonOptions.Positive("--prompt-tokens", "Tokens of the prompt (128).");
        Option<int?> genTokens = CommonOptions.Positive("--gen-tokens", "Tokens generated one by one (32).");
        Option<int?> repeat = CommonOptions.Positive("--repeat", "Measured runs, after one that is not measured (3).");
        Option<string> device = CommonOptions.Device();
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("bench", "Measure prefill and decode: median, least and greatest over the runs.")
        {
            file, promptTokens, genTokens, repeat, device, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(parsed.GetRequiredValue(file), parsed.GetRequiredValue(device),
                parsed.GetValue(promptTokens) ?? 128, parsed.GetValue(genTokens) ?? 32, parsed.GetValue(repeat) ?? 3, parsed.GetValue(json));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        using MixtralModel model = ModelLoading.Load(request.File, request.Device, request.PromptTokens + request.GenTokens, cancellation);
        double loadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        long weightBytesPerToken;
        using (ModelSource source = ModelSource.Open(request.File)) weightBytesPerToken = source.Describe().BytesPerToken;

        var bench = new DecodeBench(model.ForwardPass, request.PromptTokens, request.GenTokens);
        bench.Run(cancellation); // compiles shaders, fills caches
        BenchRun[] runs = [.. Enumerable.Range(0, request.Repeat).Select(_ => bench.Run(cancellation))];

        Spread decode = Spread.Of(runs.Select(run => request.GenTokens / run.DecodeSeconds));
        var report = new BenchReport(
            request.File, model.Device.Description, request.PromptTokens, request.GenTokens, request.Repeat, loadSeconds,
            Spread.Of(runs.Select(run => request.PromptTokens / run.PrefillSeconds)), decode,
            Spread.Of(runs.Select(run => run.FirstTokenSeconds)), weightBytesPerToken, decode.Median * weightBytesPerToken / 1e9,
            Spread.Of(runs.Select(run => run.PrefillCpuSeconds / request.PromptTokens)), Spread.Of(runs.Select(run => run.DecodeCpuSeconds / request.GenTokens)),
            ProcessMeter.PeakMemory);
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.BenchReport));
        else Print(report);
    }

    private static void Print(BenchReport report)
    {
        Console.Out.WriteLine($"{report.PromptTokens} prompt tokens, {report.GenTokens} generated, median (least to greatest) of {report.Repeat}");
        Line("prefill", report.PrefillTokensPerSecond, "tokens/s");
        Line("decode", report.DecodeTokensPerSecond, "tokens/s");
        Line("first token", report.FirstTokenSeconds, "s");
        Line("CPU, prefill", report.PrefillCpuSecondsPerToken, "s/token");
        Line("CPU, decode", report.DecodeCpuSecondsPerToken, "s/token");
        Console.Out.WriteLine($"{"weights",-14}{Quantity.Bytes(report.WeightBytesPerToken)} read per token, {Quantity.Number(report.WeightGBPerSecond)} GB/s in decode");
        Console.Out.WriteLine($"{"memory",-14}{Quantity.Bytes(report.PeakMemoryBytes)} at the most");
    }

    private static void Line(string label, Spread values, string unit) => Console.Out.WriteLine(
        $"{label,-14}{Quantity.Number(values.Median)} {unit} ({Quantity.Number(values.Min)} to {Quantity.Number(values.Max)})");
}

/// <summary>The JSON of `bench --json`. Times in seconds, CPU time of all threads together.</summary>
internal sealed record BenchReport(
    string File, string Device, int PromptTokens, int GenTokens, int Repeat, double LoadSeconds, Spread PrefillTokensPerSecond,
    Spread DecodeTokensPerSecond, Spread FirstTokenSeconds, long WeightBytesPerToken, double WeightGBPerSecond, Spread PrefillCpuSecondsPerToken,
    Spread DecodeCpuSecondsPerToken, long PeakMemoryBytes);
