using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MixtralVk.Grammar;
using Spectre.Console;

namespace MixtralVk.Cli.Commands;

/// <summary>`eval FILE --tasks FILE.jsonl`: how many tasks a model gets right.</summary>
internal static class EvalCommand
{
    private const int AnswerTokens = 128;

    private sealed record Request(string File, string Tasks, string Device, string Arithmetic, bool Constrained, bool Json);

    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<string> tasks = new Option<string>("--tasks")
        {
            Description = "One JSON object per line: a question with choices and answer (MMLU's form, scored by log-likelihood), or a prompt with the facts its answer must contain.",
            HelpName = "file.jsonl", Required = true,
        }.AsPath();
        Option<string> device = CommonOptions.Device();
        Option<string> arithmetic = CommonOptions.Arithmetic();
        var constrained = new Option<bool>("--constrained") { Description = "Hold answers that are to be JSON to the schema of a reply." };
        Option<bool> json = CommonOptions.Json("Write the figures of each category and the outcome of each task as JSON.");
        var command = new Command("eval", "Count how many tasks a model gets right.")
            { file, tasks, device, arithmetic, constrained, json };
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(
                parsed.GetRequiredValue(file), parsed.GetRequiredValue(tasks), parsed.GetRequiredValue(device),
                parsed.GetRequiredValue(arithmetic),
                parsed.GetValue(constrained), parsed.GetValue(json));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static void Run(Request request, CancellationToken cancellation)
    {
        EvalTask[] tasks = EvalTask.ReadFile(request.Tasks);
        Constraint? replies = request.Constrained ? Constraint.JsonSchema(CharacterReply.Schema) : null;
        using MixtralModel model = ModelLoading.Load(request.File, request.Device, null, cancellation, arithmetic: request.Arithmetic);
        TaskOutcome[] outcomes = WorkBar.Show("eval", tasks.Length, report =>
        {
            var done = new TaskOutcome[tasks.Length];
            int right = 0;
            for (int i = 0; i < tasks.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                done[i] = tasks[i] switch
                {
                    MultipleChoice question => Choose(model, question, cancellation),
                    Containment task => Answer(model, task, task.JsonTarget is null ? null : replies, cancellation),
                    _ => throw new InvalidOperationException(tasks[i].GetType().Name),
                };
                if (done[i].Right) right++;
                report($"{right} of {i + 1} right");
            }
            return done;
        });
        cancellation.ThrowIfCancellationRequested();

        CategoryReport[] categories =
            [.. outcomes.GroupBy(o => o.Category).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => CategoryReport.Of(g.Key, g))];
        CategoryReport? json = outcomes.Any(o => o.Json is not null)
            ? CategoryReport.Of("valid JSON", outcomes.Where(o => o.Json is not null), o => o.Json == true) : null;
        var report = new EvalReport(request.File, request.Tasks, model.Device.Description, CategoryReport.Of("all", outcomes), json,
            categories, outcomes);
        if (request.Json) Console.Out.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.EvalReport));
        else Print(report);
    }

    /// <summary>The choice whose letter is likeliest after the prompt.</summary>
    private static TaskOutcome Choose(MixtralModel model, MultipleChoice question, CancellationToken cancellation)
    {
        var scorer = new TextScorer(model.ForwardPass);
        int[][] texts = [.. Enumerable.Range(0, question.Choices.Length)
            .Select(i => model.Tokenizer.Encode($"{question.Prompt} {MultipleChoice.Letter(i)}"))];
        double[] scores = scorer.LogProbabilitiesOfEnds(texts, cancellation);
        int chosen = Array.IndexOf(scores, scores.Max());
        return new TaskOutcome(question.Category, chosen == question.Answer, MultipleChoice.Letter(chosen), null);
    }

    private static TaskOutcome Answer(MixtralModel model, Containment task, Constraint? constraint, CancellationToken cancellation)
    {
        int[] prompt = model.Tokenizer.Encode(task.Prompt, addSpecial: false, parseSpecial: true);
        if (model.Tokenizer.Bos >= 0 && (prompt.Length == 0 || prompt[0] != model.Tokenizer.Bos)) prompt = [model.Tokenizer.Bos, .. prompt];
        using Session session = model.StartSession();
        session.Prefill(prompt, cancellation);
        var options = new GenerationOptions { Temperature = 0, MaxTokens = AnswerTokens, Constraint = constraint };
        string answer = string.Concat(session.Generate(options, cancellation).Select(token => token.Text)).Trim();
        return new TaskOutcome(task.Category, task.Accepts(answer), answer,
            task.JsonTarget is null ? null : CharacterReply.Read(answer) is not null);
    }

    private static void Print(EvalReport report)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("category", "right", "of", "share");
        foreach (TableColumn column in table.Columns.Skip(1)) column.RightAligned();
        foreach (CategoryReport category in (CategoryReport[])[.. report.Categories, report.Total,
            .. report.Json is { } json ? [json] : Array.Empty<CategoryReport>()])
            table.AddRow(Markup.Escape(category.Category), Number(category.Right), Number(category.Tasks),
            RoutingCommand.Percent(category.Share));
        AnsiConsole.Write(table);
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// The JSON of `eval --json`; <paramref name="Json"/> counts the answers of the form asked for, right or wrong, where any was to be JSON.
/// </summary>
internal sealed record EvalReport(
    string File, string Tasks, string Device, CategoryReport Total, CategoryReport? Json, IReadOnlyList<CategoryReport> Categories,
    IReadOnlyList<TaskOutcome> Outcomes);

/// <summary>Tasks of one category; <paramref name="StandardError"/> is that of the share.</summary>
internal sealed record CategoryReport(string Category, int Right, int Tasks, double Share, double StandardError)
{
    public static CategoryReport Of(string category, IEnumerable<TaskOutcome> outcomes) => Of(category, outcomes, o => o.Right);

    public static CategoryReport Of(string category, IEnumerable<TaskOutcome> outcomes, Func<TaskOutcome, bool> isRight)
    {
        (int right, int all) = (outcomes.Count(isRight), outcomes.Count());
        double share = (double)right / all;
        return new CategoryReport(category, right, all, share, Math.Sqrt(share * (1 - share) / all));
    }
}

/// <summary>What the model answered to one task; <paramref name="Json"/> says whether an answer that was to be JSON is.</summary>
internal sealed record TaskOutcome(string Category, bool Right, string Answer, bool? Json);
