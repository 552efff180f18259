using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace MixtralVk.Cli.Commands;

/// <summary>`generate FILE --prompt T`: one text, as it is made.</summary>
internal static class GenerateCommand
{
    private sealed record Request(string File, string Prompt, string Device, string Map, ExpertShare? ExpertsOnGpu, int? Context, bool Raw,
        bool Chat, bool Json, GenerationOptions Options);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        var prompt = new Option<string>("--prompt")
            { Description = "The question, or with --raw the beginning of the text.", HelpName = "text", Required = true };
        var sampling = new SamplingArguments();
        Option<string> device = CommonOptions.Device();
        Option<string> map = CommonOptions.Map();
        Option<ExpertShare?> experts = CommonOptions.ExpertsOnGpu();
        Option<int?> context = CommonOptions.Context();
        var raw = new Option<bool>("--raw") { Description = "Go on with the prompt as it is." };
        var chat = new Option<bool>("--chat")
            { Description = "Answer the prompt as a question (the default for a model with a known chat template)." };
        Option<bool> json = CommonOptions.Json("Write text, ids, timings and finish reason as JSON.");
        var command = new Command("generate", "Generate one text and write it to stdout as it is made.")
        {
            file, prompt, device, map, experts, context, raw, chat, json,
        };
        sampling.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(raw) && result.GetValue(chat)) result.AddError("--raw and --chat exclude each other.");
        });
        command.SetAction((parsed, cancellation) =>
        {
            GenerationOptions options =
                sampling.Apply(new GenerationOptions { Seed = (ulong)Random.Shared.NextInt64() }, parsed.CommandResult);
            var request = new Request(parsed.GetRequiredValue(file), parsed.GetRequiredValue(prompt), parsed.GetRequiredValue(device),
                parsed.GetRequiredValue(map), parsed.GetValue(experts), parsed.GetValue(context), parsed.GetValue(raw),
                parsed.GetValue(chat), parsed.GetValue(json), options);
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        using PrivateMemory? memory = request.Json ? new PrivateMemory() : null;
        using MixtralModel model = ModelLoading.Load(request.File, request.Device, request.Context, cancellation, map: request.Map,
            expertsOnGpu: request.ExpertsOnGpu);
        var output = new Output(Stopwatch.GetElapsedTime(start), memory);
        GenerateReport report = request.Chat || !request.Raw && model.ChatTemplate is not null
            ? Answer(model, request, output, cancellation) : Continue(model, request, output, cancellation);
        cancellation.ThrowIfCancellationRequested();
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.GenerateReport));
        else Console.Out.WriteLine();
    }

    private static GenerateReport Answer(MixtralModel model, Request request, Output output, CancellationToken cancellation)
    {
        using Chat chat = model.StartChat(null, request.Options);
        Reply reply = chat.Ask(request.Prompt, cancellationToken: cancellation);
        foreach (string piece in reply) output.Add(piece);
        return output.Report(model, request.Options, reply.Tokens, reply.FinishReason, reply.Timings);
    }

    private static GenerateReport Continue(MixtralModel model, Request request, Output output, CancellationToken cancellation)
    {
        int[] prompt = model.Tokenizer.Encode(request.Prompt);
        if (prompt.Length == 0) throw new MixtralException("The prompt is empty, and this model has no token that begins a text.");
        using Session session = model.StartSession();
        session.Prefill(prompt, cancellation);
        Generation generation = session.Generate(request.Options, cancellation);
        var ids = new List<int>();
        foreach (GeneratedToken token in generation)
        {
            ids.Add(token.Id);
            output.Add(token.Text);
        }
        return output.Report(model, request.Options, ids, generation.FinishReason, generation.Timings);
    }

    /// <summary>Collects the text, and writes it as it comes unless it goes into the JSON.</summary>
    private sealed record Output(TimeSpan LoadTime, PrivateMemory? Memory)
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly StringBuilder _text = new();
        private long? _firstText;

        public void Add(string piece)
        {
            if (piece.Length == 0) return;
            _firstText ??= Stopwatch.GetTimestamp();
            _text.Append(piece);
            if (Memory is not null) return; // a report is made
            Console.Out.Write(piece);
            Console.Out.Flush();
        }

        public GenerateReport Report(
            MixtralModel model, GenerationOptions options, IReadOnlyList<int> ids, FinishReason? reason, GenerationTimings timings) =>
            new(model.Device.Description, _text.ToString(), ids, reason?.ToString(), options.Seed!.Value, new TimingsReport(
                LoadTime.TotalSeconds, timings.PromptTokens, timings.PromptTime.TotalSeconds,
                _firstText is long at ? Stopwatch.GetElapsedTime(_start, at).TotalSeconds : null,
                timings.GeneratedTokens, timings.GenerationTime.TotalSeconds, timings.GeneratedTokensPerSecond,
                _firstText is long first ? ProcessMeter.MillisecondsFromStart(first) : null), Memory?.PeakBytes ?? 0);
    }
}

/// <summary>The JSON of `generate --json`: <paramref name="Ids"/> are the generated tokens, with the one that ended the text;
/// <paramref name="PeakPrivateBytes"/> leaves out pages of mapped files.</summary>
internal sealed record GenerateReport(string Device, string Text, IReadOnlyList<int> Ids, string? FinishReason, ulong Seed,
    TimingsReport Timings, long PeakPrivateBytes);

/// <summary>
/// Times in seconds, to the first text from the moment the model was loaded; and in milliseconds from the start of the process to the first
/// text.
/// </summary>
internal sealed record TimingsReport(
    double LoadSeconds, int PromptTokens, double PromptSeconds, double? FirstTextSeconds, int GeneratedTokens, double GenerationSeconds,
    double TokensPerSecond,
    double? StartToFirstTokenMs);
