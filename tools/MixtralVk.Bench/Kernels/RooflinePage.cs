using System.Globalization;
using System.Net;
using System.Text;

namespace MixtralVk.Bench;

/// <summary>
/// A report as one HTML page that needs nothing else: a roofline, and a bar for every result, light or dark as the reader's system is.
/// </summary>
internal static class RooflinePage
{
    /// <summary>Colours that families of kernels take in turn.</summary>
    public const int Colors = 8;

    private const int GroupsOpen = 12;

    /// <summary>The page.</summary>
    public static string Write(KernelReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        string[] families = [.. report.Kernels.Select(Family).Distinct()];
        var page = new StringBuilder();
        page.Append($"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Kernels on {Escape(report.Device)}</title>\n<style>\n{Style}</style>\n</head>\n<body>\n");
        page.Append($"<h1>Kernels on {Escape(report.Device)}</h1>\n<p>{Escape(report.Driver)}. Shapes of {Escape(report.Model)}. Speeds are computed from {report.TimedBy}. ");
        page.Append($"Weights and KV caches take turns in several copies, larger together than the last-level cache of {report.CacheBytes >> 20} MiB ({report.CacheSource}). ");
        page.Append($"{report.Kernels.Count} results.</p>\n");
        if (report.Kernels.Any(k => k.GFlopPerSecond > 0))
            page.Append($"<figure>{new RooflineChart(report, families).ToSvg()}<figcaption>{Legend(report, families)}</figcaption></figure>\n");
        double widest = Math.Min(1, Math.Max(1e-6, report.Kernels.Max(k => Share(report, k))));
        page.Append("<h2>Each kernel</h2>\n<p>Bars are shares of the nearer roof: of the copy bandwidth where a kernel is bound by memory, of the multiply-add rate where it is bound by arithmetic. ");
        page.Append(string.Create(CultureInfo.InvariantCulture, $"A whole bar is {widest * 100:0.#} %.</p>\n"));
        IGrouping<(string, string), KernelResult>[] groups = [.. report.Kernels.GroupBy(k => (k.Kernel, k.Shape))];
        foreach (var group in groups) Group(page, report, families, group, widest, groups.Length <= GroupsOpen);
        return page.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>A kernel without its format: what shares a colour.</summary>
    public static string Family(KernelResult result)
    {
        string name = result.Kernel[(result.Kernel.IndexOf('/') + 1)..];
        foreach (string family in (string[])["matmul", "expert_gate_up", "expert_matmul", "attention", "embedding", "rms_norm"])
            if (name.StartsWith(family, StringComparison.Ordinal)) return family;
        return "other";
    }

    /// <summary>A result in one line.</summary>
    public static string Describe(KernelResult k) =>
        $"{k.User ?? k.Kernel} {k.Shape} {k.Variant}{(k.Note.Length > 0 ? $" ({k.Note})" : "")}: {Time(k.Seconds)}, {Number(k.GBPerSecond)} GB/s, {Number(k.GFlopPerSecond)} GFLOP/s";

    /// <summary>Three digits.</summary>
    public static string Number(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : value >= 1 ? "0.00" : "0.000", CultureInfo.InvariantCulture);

    /// <summary>Seconds with a unit that fits.</summary>
    public static string Time(double seconds) =>
        seconds >= 1 ? $"{Number(seconds)} s" : seconds >= 1e-3 ? $"{Number(seconds * 1e3)} ms" : $"{Number(seconds * 1e6)} µs";

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    private static string Legend(KernelReport report, string[] families)
    {
        var legend = new StringBuilder();
        for (int i = 0; i < families.Length; i++)
            legend.Append($"<span class=\"key\"><i class=\"c{i % Colors}\"></i>{Escape(families[i])}</span>");
        if (report.Kernels.Any(k => k.Note.Length > 0))
            legend.Append("<span class=\"key\"><i class=\"ring\"></i>large, ringed: shipped variant</span>");
        if (report.Kernels.Any(k => k.User is not null))
            legend.Append("<span class=\"key\"><i class=\"diamond\"></i>diamond: your shader</span>");
        return legend.Append("<span class=\"key\">point at a dot for its numbers</span>").ToString();
    }

    private static bool IsBoundByMemory(KernelReport report, KernelResult k) =>
        (double)k.Flops / k.Bytes < report.FmaGFlopPerSecond / report.CopyGBPerSecond;

    private static double Share(KernelReport report, KernelResult k) => IsBoundByMemory(report, k) ? k.ShareOfCopy : k.ShareOfFma;

    private static void Group(StringBuilder page, KernelReport report, string[] families,
        IGrouping<(string Kernel, string Shape), KernelResult> group, double widest, bool open)
    {
        KernelResult first = group.First();
        bool byMemory = IsBoundByMemory(report, first);
        page.Append($"<details{(open ? " open" : "")}><summary>{Escape(group.Key.Kernel)} <b>{Escape(group.Key.Shape)}</b> <small>best {Time(group.Min(k => k.Seconds))}, share of {(byMemory ? "copy bandwidth" : "multiply-add rate")}</small></summary>\n<div class=\"bars\">\n");
        foreach (KernelResult k in group.OrderBy(k => k.Seconds))
        {
            string name = Escape(k.User is null ? (k.Variant.Length > 0 ? k.Variant : k.Kernel) : $"{k.User} {k.Variant}");
            if (k.Problem is { } problem)
            {
                page.Append($"<span class=\"name\">{name}</span><span class=\"wrong\">{Escape(problem)}</span><span class=\"value\"></span>\n");
                continue;
            }
            double share = Share(report, k);
            string style = string.Create(CultureInfo.InvariantCulture, $"width:{Math.Clamp(share / widest * 100, 0.3, 100):0.##}%");
            string color = $"c{Array.IndexOf(families, Family(k)) % Colors}";
            page.Append($"<span class=\"name\">{name}{(k.Note.Length > 0 ? $" <em>{Escape(k.Note)}</em>" : "")}</span>");
            page.Append($"<span class=\"track\"><span class=\"bar {color}{(k.User is not null ? " user" : "")}\" style=\"{style}\"></span></span>");
            page.Append(string.Create(CultureInfo.InvariantCulture,
                $"<span class=\"value\">{share * 100:0.0} % · {Time(k.Seconds)} · {Number(k.GBPerSecond)} GB/s · {Number(k.GFlopPerSecond)} GFLOP/s</span>\n"));
        }
        page.Append("</div></details>\n");
    }

    private const string Style = """
        :root { color-scheme: light dark; --paper: #fff; --ink: #1c2530; --soft: #5d6b7a; --line: #dfe4ea; --track: #eef1f5; --roof: #1c2530; --wrong: #b3261e;
          --c0: #2563c9; --c1: #d9730d; --c2: #0f8a5f; --c3: #a23bb5; --c4: #c43d4b; --c5: #0b8ea8; --c6: #8a6d1b; --c7: #6b7280; }
        @media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e6eaf0; --soft: #9aa7b5; --line: #2b323b; --track: #20262e; --roof: #e6eaf0; --wrong: #ff8a80;
          --c0: #6ea8ff; --c1: #ffa657; --c2: #4ccf9c; --c3: #d99bf0; --c4: #ff8592; --c5: #57cfe6; --c6: #d8ba5e; --c7: #a3adba; } }
        body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.5rem; margin-bottom: .3rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } p, small { color: var(--soft); }
        figure { margin: 1rem 0; } svg { width: 100%; height: auto; display: block; }
        .grid { stroke: var(--line); stroke-width: 1; } .tick { fill: var(--soft); font-size: 13px; } .axis { fill: var(--ink); font-size: 14px; }
        .roof { fill: none; stroke: var(--roof); stroke-width: 2; stroke-linejoin: round; } .rooflabel { fill: var(--ink); font-size: 13px; }
        .dot { fill-opacity: .75; } .dot.shipped { stroke: var(--ink); stroke-width: 1.5; fill-opacity: .95; } .dot.user { stroke: var(--ink); stroke-width: 1.5; fill-opacity: 1; }
        .c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); } .c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
        .c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); } .c6 { fill: var(--c6); background: var(--c6); } .c7 { fill: var(--c7); background: var(--c7); }
        figcaption { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding-left: 4rem; font-size: 13px; color: var(--soft); }
        .key i { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 6px; } .key .ring { border: 1.5px solid var(--ink); box-sizing: border-box; }
        .key .diamond { border: 1.5px solid var(--ink); border-radius: 0; transform: rotate(45deg) scale(.8); box-sizing: border-box; }
        details { border-top: 1px solid var(--line); padding: .45rem 0; } summary { cursor: pointer; } summary small { float: right; }
        .bars { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr max-content; gap: 3px 12px; align-items: center; padding: .5rem 0 .6rem 1rem; font-size: 13px; }
        .name { font-family: ui-monospace, "DejaVu Sans Mono", monospace; } .name em { font: 11px system-ui, sans-serif; border: 1px solid var(--soft); color: var(--soft); border-radius: 8px; padding: 0 6px; }
        .track { background: var(--track); height: 13px; border-radius: 3px; overflow: hidden; } .bar { display: block; height: 100%; border-radius: 3px; } .bar.user { outline: 2px solid var(--ink); outline-offset: -2px; }
        .value { color: var(--soft); text-align: right; font-variant-numeric: tabular-nums; } .wrong { color: var(--wrong); }

        """;
}
