using System.Globalization;
using MixtralVk.Bench;
using Spectre.Console;

namespace MixtralVk.Cli;

/// <summary>The results of `kernels` as a table, fastest first within a kernel and shape.</summary>
internal static class KernelTable
{
    private const int WidthInPipe = 170;

    public static void Print(KernelReport report)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Out), Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        });
        if (Console.IsOutputRedirected) console.Profile.Width = WidthInPipe;
        bool gpu = report.Kernels.Any(k => k.Gpu is not null), cpu = report.Kernels.Any(k => k.Cpu is not null);
        var table = new Table { Border = Console.IsOutputRedirected ? TableBorder.Ascii2 : TableBorder.Rounded };
        foreach (string column in (string[])["kernel", "shape", "variant"]) table.AddColumn(column);
        if (gpu) table.AddColumn(new TableColumn("GPU time").RightAligned());
        if (cpu) table.AddColumn(new TableColumn("CPU time").RightAligned());
        foreach (string column in (string[])["GB/s", "GFLOP/s", "of copy", "of FMA"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (KernelResult k in report.Kernels.GroupBy(k => (k.Kernel, k.Shape)).SelectMany(group => group.OrderBy(k => k.Seconds)))
        {
            string variant = $"{k.Variant}{(k.Note.Length > 0 ? $" ({k.Note})" : "")}".Trim();
            List<string> cells = [k.User ?? k.Kernel, k.Shape, variant];
            if (gpu) cells.Add(Time(k.Gpu));
            if (cpu) cells.Add(Time(k.Cpu));
            cells.AddRange(k.Problem is null ? [Quantity.Number(k.GBPerSecond), Quantity.Number(k.GFlopPerSecond), Percent(k.ShareOfCopy),
                Percent(k.ShareOfFma)] : ["wrong", "", "", ""]);
            table.AddRow([.. cells.Select(cell => new Markup(k.User is null ? Markup.Escape(cell) : $"[bold]{Markup.Escape(cell)}[/]"))]);
        }
        console.Write(table);
        Console.Out.WriteLine(
            $"{report.Device}: {Quantity.Number(report.CopyGBPerSecond)} GB/s copied, {Quantity.Number(report.FmaGFlopPerSecond)} GFLOP/s of multiply-adds; " +
            $"speeds by {report.TimedBy}, medians of {KernelBench.Samples}; weights in turns over more than the cache of {Quantity.Bytes(report.CacheBytes)} ({report.CacheSource})");
    }

    private static string Time(Spread? spread) => spread is null ? "" : RooflinePage.Time(spread.Median);

    private static string Percent(double share) => $"{(share * 100).ToString("0.0", CultureInfo.InvariantCulture)} %";
}
