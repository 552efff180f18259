using System.Globalization;
using System.Net;
using System.Text;

namespace TavernGame;

/// <summary>The frame times of a report as a page: a picture and the figures.</summary>
internal static class FramePage
{
    private const double Width = 1000, Height = 300, Left = 52, Right = 14, Top = 14, Bottom = 34;

    public static string Write(Report report)
    {
        double most = Math.Max(Game.FrameMilliseconds * 1.2, report.FrameP99Ms * 1.15);
        var page = new StringBuilder("""
            <!doctype html><meta charset="utf-8"><title>Frame times</title>
            <style>
            body{font:15px system-ui,sans-serif;max-width:1020px;margin:24px auto;color:#222}h1{font-size:20px}h2{font-size:16px;margin:22px 0 4px}
            svg{width:100%;background:#fafafa}.grid{stroke:#ddd}.frame{fill:none;stroke:#b8860b;stroke-width:1}.ai{fill:#2f6f9f}
            .limit{stroke:#c0392b;stroke-dasharray:5 4}.sixty{stroke:#888;stroke-dasharray:2 3}text{font-size:12px;fill:#555}pre{background:#f4f4f4;padding:10px}
            </style>
            """);
        page.Append(Invariant($"<h1>{WebUtility.HtmlEncode(report.Device)}, {report.Guests} guests</h1><pre>{WebUtility.HtmlEncode(report.ToText())}</pre>"));
        page.Append("<h2>Frames with the guests: what the game's frame took (line) and what the device did for the guests (bars)</h2>").Append(Picture(report.With, report.BudgetMs, most));
        page.Append("<h2>Frames without them</h2>").Append(Picture(report.Without, null, most));
        return page.ToString();
    }

    /// <summary>At most 600 frames from the middle, left to right.</summary>
    private static string Picture(IReadOnlyList<Frame> all, double? budget, double most)
    {
        int count = Math.Min(600, all.Count), first = (all.Count - count) / 2;
        double step = (Width - Left - Right) / Math.Max(1, count);
        var svg = new StringBuilder(Invariant($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"Frame times\">"));
        for (double ms = 0; ms <= most; ms += most > 60 ? 20 : most > 30 ? 10 : 5)
            svg.Append(Invariant($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(ms):0.#}\" y2=\"{Y(ms):0.#}\"/><text x=\"{Left - 6}\" y=\"{Y(ms) + 4:0.#}\" text-anchor=\"end\">{ms}</text>"));
        var line = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            Frame frame = all[first + i];
            double x = Left + i * step, y = Y(Math.Min(most, frame.AiMilliseconds));
            if (frame.AiMilliseconds > 0) svg.Append(Invariant($"<rect class=\"ai\" x=\"{x:0.##}\" y=\"{y:0.##}\" width=\"{step * 0.8:0.##}\" height=\"{Y(0) - y:0.##}\"/>"));
            line.Append(Invariant($"{x + step / 2:0.##},{Y(Math.Min(most, frame.Milliseconds)):0.##} "));
        }
        svg.Append(Invariant($"<polyline class=\"frame\" points=\"{line}\"/>"));
        Limit("sixty", Game.FrameMilliseconds, "60 Hz");
        if (budget is { } granted) Limit("limit", granted, "budget");
        svg.Append(Invariant($"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">{count} frames, milliseconds</text></svg>"));
        return svg.ToString();

        double Y(double ms) => Height - Bottom - ms / most * (Height - Top - Bottom);

        void Limit(string style, double ms, string name) => svg.Append(Invariant(
            $"<line class=\"{style}\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(ms):0.#}\" y2=\"{Y(ms):0.#}\"/><text x=\"{Width - Right - 4}\" y=\"{Y(ms) - 4:0.#}\" text-anchor=\"end\">{name}</text>"));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
