using Spectre.Console;

namespace MixtralVk.Cli;

/// <summary>Shows how far a long task is, on stderr when that is a terminal.</summary>
internal static class WorkBar
{
    /// <summary>
    /// Runs <paramref name="work"/>, which reports after each of its <paramref name="total"/> parts what to show beside the bar.
    /// </summary>
    public static T Show<T>(string label, int total, Func<Action<string>, T> work)
    {
        if (Console.IsErrorRedirected) return work(_ => { });
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(label, maxValue: total);
                return work(text =>
                {
                    task.Description = Markup.Escape(text.Length == 0 ? label : $"{label}: {text}");
                    task.Increment(1);
                });
            });
    }
}
