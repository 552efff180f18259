using System.CommandLine;
using System.Text.Json;
using MixtralVk.Tuning;
using Spectre.Console;

namespace MixtralVk.Cli.Commands;

/// <summary>`tune FILE`: measures the kernel variants for a model on this machine and keeps the fastest.</summary>
internal static class TuneCommand
{
    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        var adapter = new Option<string>("--adapter")
            { Description = "A part of the adapter's name, or its number in `mixtralvk devices` (the one that models run on).",
            HelpName = "name" };
        Option<bool> json = CommonOptions.Json("Print the choices as JSON.");
        var command = new Command("tune",
            "Measure the kernel variants for a model on this machine's GPU and keep the fastest for later runs.") { file, adapter, json };
        command.SetAction((parsed, cancellation) => Task.Run(() =>
            Run(parsed.GetRequiredValue(file), parsed.GetValue(adapter), parsed.GetValue(json), cancellation), cancellation));
        return command;
    }

    private static void Run(string file, string? adapter, bool json, CancellationToken cancellation)
    {
        var options = new MixtralOptions
        {
            Device = DeviceKind.Vulkan,
            AdapterIndex = int.TryParse(adapter, out int index) ? index : null,
            AdapterName = int.TryParse(adapter, out _) ? null : adapter,
            PipelineCacheDirectory = ModelLoading.PipelineCache()
                ?? throw new IOException("The choices cannot be kept: this user has no home folder."),
        };
        TuningReport report = TuningBar.Show(progress => ModelTuner.Tune(file, options, progress, cancellation));
        if (json) Console.WriteLine(JsonSerializer.Serialize(report, ReportJson.Readable.TuningReport));
        else Print(report);
    }

    private static void Print(TuningReport report)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("product", "tokens", "shipped", "tuned");
        foreach (TunedVariant variant in report.Variants)
            table.AddRow(Markup.Escape(variant.Product), variant.Tokens, variant.Shipped,
                variant.Tuned == variant.Shipped ? "the same" : variant.Tuned);
        AnsiConsole.Write(table);
        Console.WriteLine($"{report.Device}: kept in {report.File}");
    }

    private static class TuningBar
    {
        public static TuningReport Show(Func<IProgress<TuningProgress>?, TuningReport> tune)
        {
            if (Console.IsErrorRedirected) return tune(null);
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            return console.Progress().AutoClear(true)
                .Columns(new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(),
                new TaskDescriptionColumn { Alignment = Justify.Left })
                .Start(context => tune(new Bar(context.AddTask("loading"))));
        }

        private sealed class Bar(ProgressTask task) : IProgress<TuningProgress>
        {
            public void Report(TuningProgress value)
            {
                task.MaxValue = value.Total;
                task.Value = value.Done;
                task.Description = Markup.Escape(value.What);
            }
        }
    }
}
