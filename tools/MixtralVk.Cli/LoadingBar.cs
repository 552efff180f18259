using Spectre.Console;

namespace MixtralVk.Cli;

/// <summary>Shows how far loading, converting, packing or checking is, on stderr when that is a terminal.</summary>
internal static class LoadingBar
{
    public static T Show<T>(Func<IProgress<LoadProgress>?, T> load, string title = "loading")
    {
        if (Console.IsErrorRedirected) return load(null);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .Start(context => load(new Bar(context.AddTask(title))));
    }

    private sealed class Bar(ProgressTask task) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            task.MaxValue = value.TotalBytes;
            task.Value = value.DoneBytes;
        }
    }
}
