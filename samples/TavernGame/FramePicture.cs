using System.Globalization;
using System.Net;
using System.Text;

namespace TavernGame;

/// <summary>The frame times of a report as a picture (SVG): with the guests, and below without them.</summary>
internal static class FramePicture
{
    private const double Width = 1000, Height = 300, Left = 52, Right = 14, Top = 34, Bottom = 34;

    public static string Write(Report report)
    {
        double most = Math.Max(Game.FrameMilliseconds * 1.2, report.FrameP99Ms * 1.15);
        var svg = new StringBuilder(Invariant(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {2 * Height}\" role=\"img\" aria-label=\"Frame times\">"));
        svg.Append("""
            <style>
            text{font:13px system-ui,sans-serif;fill:#555}.title{font-size:14px;fill:#222}.back{fill:#fafafa}.grid{stroke:#ddd}.frame{fill:none;stroke:#a33c00;stroke-width:1.5}.ai{fill:#9cc4de}
            .limit{stroke:#c0392b;stroke-dasharray:5 4}.sixty{stroke:#888;stroke-dasharray:2 3}
            </style>
            """);
        svg.Append(Invariant($"<rect class=\"back\" width=\"{Width}\" height=\"{2 * Height}\"/>"));
        string budget = report.BudgetMs is { } granted ? Invariant($"{granted} ms for them") : "no limit for them";
        Chart(svg, 0, $"{report.Guests} guests, {budget} in each frame, on {report.Device}", report.With, report.BudgetMs, most);
        Chart(svg, Height, "Without guests", report.Without, null, most);
        return svg.Append("</svg>").ToString();
    }

    /// <summary>At most 300 frames from the middle, left to right, <paramref name="down"/> the picture.</summary>
    private static void Chart(StringBuilder svg, double down, string title, IReadOnlyList<Frame> all, double? budget, double most)
    {
        int count = Math.Min(300, all.Count), first = (all.Count - count) / 2;
        double step = (Width - Left - Right) / Math.Max(1, count);
        svg.Append(Invariant($"<text class=\"title\" x=\"{Left}\" y=\"{down + 20}\">{WebUtility.HtmlEncode(title)}</text>"));
        for (double ms = 0; ms <= most; ms += most > 60 ? 20 : most > 30 ? 10 : 5)
            svg.Append(Invariant(
                $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(ms):0.#}\" y2=\"{Y(ms):0.#}\"/><text x=\"{Left - 6}\" y=\"{Y(ms) + 4:0.#}\" text-anchor=\"end\">{ms}</text>"));
        var line = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            Frame frame = all[first + i];
            double x = Left + i * step, y = Y(Math.Min(most, frame.AiMilliseconds));
            if (frame.AiMilliseconds > 0)
                svg.Append(Invariant(
                    $"<rect class=\"ai\" x=\"{x:0.##}\" y=\"{y:0.##}\" width=\"{step * 0.8:0.##}\" height=\"{Y(0) - y:0.##}\"/>"));
            line.Append(Invariant($"{x + step / 2:0.##},{Y(Math.Min(most, frame.Milliseconds)):0.##} "));
        }
        svg.Append(Invariant($"<polyline class=\"frame\" points=\"{line}\"/>"));
        Limit("sixty", Game.FrameMilliseconds, "60 Hz");
        if (budget is { } granted) Limit("limit", granted, "budget");
        svg.Append(Invariant(
            $"<text x=\"{(Left + Width - Right) / 2}\" y=\"{down + Height - 10}\" text-anchor=\"middle\">{count} frames, milliseconds; line: the game's frame, bars: what the device did for the guests</text>"));

        double Y(double ms) => down + Height - Bottom - ms / most * (Height - Top - Bottom);

        void Limit(string style, double ms, string name) => svg.Append(Invariant(
            $"<line class=\"{style}\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(ms):0.#}\" y2=\"{Y(ms):0.#}\"/><text x=\"{Width - Right - 4}\" y=\"{Y(ms) - 4:0.#}\" text-anchor=\"end\">{name}</text>"));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
