using Spectre.Console;

namespace MixtralVk.Cli;

/// <summary>Shows which kernel is measured and how many are left, on stderr when that is a terminal.</summary>
internal static class KernelProgress
{
    /// <summary>Runs <paramref name="work"/>, which calls its argument with a name before each of <paramref name="count"/> steps.</summary>
    public static void Show(int count, Action<Action<string>> work)
    {
        if (Console.IsErrorRedirected)
        {
            work(_ => { });
            return;
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Progress().AutoClear(true)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
            new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                ProgressTask task = context.AddTask("copy and multiply-add", maxValue: count + 1);
                work(name =>
                {
                    task.Increment(1);
                    task.Description = Markup.Escape(name);
                });
            });
    }
}
