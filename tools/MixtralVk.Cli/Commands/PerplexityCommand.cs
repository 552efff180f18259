using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MixtralVk.Model;

namespace MixtralVk.Cli.Commands;

/// <summary>
/// `perplexity FILE --text T`: e to the mean negative log-likelihood per token, windowed as llama.cpp's perplexity tool does it, so that
/// figures compare: the text is cut into windows of the context, the first token of each is replaced by BOS, and the second half of each is
/// scored.
/// </summary>
internal static class PerplexityCommand
{
    private const int DefaultContext = 512;

    private sealed record Request(string File, string Text, int? Context, string Device, string Arithmetic, KvFormat Kv, bool Json);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<string> text = new Option<string>("--text") { Description = "A text file.", HelpName = "file", Required = true }.AsPath();
        Option<int?> context = CommonOptions.Positive("--context", $"Tokens of a window (the model's context, at most {DefaultContext}).");
        Option<string> device = CommonOptions.Device();
        Option<string> arithmetic = CommonOptions.Arithmetic();
        Option<KvFormat> kv = CommonOptions.Kv();
        Option<bool> json = CommonOptions.Json("Write it as JSON.");
        var command = new Command("perplexity",
            "Measure how well a model predicts a text: less is better, comparable with llama.cpp's figure for the same text and context.")
        {
            file, text, context, device, arithmetic, kv, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(parsed.GetRequiredValue(file), parsed.GetRequiredValue(text), parsed.GetValue(context),
                parsed.GetRequiredValue(device), parsed.GetRequiredValue(arithmetic),
                parsed.GetValue(kv), parsed.GetValue(json));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        string text = TextFile.Read(request.Text);
        using MixtralModel model = ModelLoading.Load(request.File, request.Device, request.Context
            ?? ModelLoading.DefaultContext(request.File, DefaultContext), cancellation, request.Kv, arithmetic: request.Arithmetic);
        int context = model.ContextLength;
        if (context < 4) throw new MixtralException($"A context of {context} tokens leaves nothing to score; at least 4 are needed.");
        int[] tokens = model.Tokenizer.Encode(text);
        if (tokens.Length < 2 * context)
            throw new MixtralException(
                $"{request.Text} has {tokens.Length} tokens; two windows of {context} need {2 * context}: give a longer text or a smaller --context.");

        long start = Stopwatch.GetTimestamp();
        var likelihoods = new Likelihoods();
        int chunks = tokens.Length / context;
        WorkBar.Show("perplexity", chunks, report =>
        {
            var scorer = new TextScorer(model.ForwardPass);
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                int[] window = tokens[(chunk * context)..((chunk + 1) * context)];
                if (model.Tokenizer.Bos >= 0 && tokens[0] == model.Tokenizer.Bos) window[0] = model.Tokenizer.Bos;
                foreach (double score in scorer.LogProbabilities(window, context / 2 + 1, cancellation)) likelihoods.Add(score);
                report(Number(likelihoods.Perplexity));
            }
            return chunks;
        });
        var result = new PerplexityReport(request.File, request.Text, model.Device.Description, tokens.Length, context,
            chunks, likelihoods.Count,
            likelihoods.Perplexity, likelihoods.StandardError, Stopwatch.GetElapsedTime(start).TotalSeconds);
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(result, ReportJson.Readable.PerplexityReport));
        else Console.Out.WriteLine(
            $"{Number(result.Perplexity)} ± {Number(result.StandardError)} ({chunks} windows of {context} tokens, {result.Scored} scored, {Quantity.Number(result.Seconds)} s)");
    }

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    private sealed class Likelihoods
    {
        private double _sum, _squares;

        public int Count { get; private set; }

        public double Perplexity => Math.Exp(-_sum / Count);

        /// <summary>Of the perplexity: that of the mean log-likelihood, carried through the exponential.</summary>
        public double StandardError =>
            Math.Sqrt(Math.Max(0, _squares / Count - _sum / Count * (_sum / Count)) / Math.Max(1, Count - 1)) * Perplexity;

        public void Add(double logProbability)
        {
            _sum += logProbability;
            _squares += logProbability * logProbability;
            Count++;
        }
    }
}

/// <summary>
/// The JSON of `perplexity --json`: <paramref name="Scored"/> tokens in <paramref name="Windows"/> windows of <paramref name="Context"/>
/// tokens.
/// </summary>
internal sealed record PerplexityReport(
    string File, string Text, string Device, int Tokens, int Context, int Windows, int Scored, double Perplexity,
    double StandardError, double Seconds);
