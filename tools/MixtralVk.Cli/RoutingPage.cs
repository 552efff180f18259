using System.Globalization;
using System.Net;
using System.Text;
using MixtralVk.Cli.Commands;

namespace MixtralVk.Cli;

/// <summary>
/// The picture of a model's routing: a page without anything from outside, in light and dark. Orange is above an even share and blue below,
/// which people with colour-blindness tell apart; the figure stands in each cell.
/// </summary>
internal static class RoutingPage
{
    // Okabe and Ito's colours for categories, those that stand out on white and on black.
    private static readonly string[] s_series = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

    public static string Write(RoutingReport report)
    {
        var page = new StringBuilder();
        double even = 1.0 / report.Experts;
        string model = report.Model.Length > 0 ? report.Model : Path.GetFileNameWithoutExtension(report.File);
        page.Append("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n")
            .Append($"<title>Expert routing: {Html(model)}</title>\n<style>{Style}</style>\n</head>\n<body>\n<main>\n<h1>Expert routing: {Html(model)}</h1>\n")
            .Append($"<p>{report.Texts[0].Layers.Count} layers of {report.Experts} experts, {report.ExpertsPerToken} chosen per token. A cell is the part of a layer's choices ")
            .Append($"that fell on one expert; evenly used, each expert would have {Percent(even)}&nbsp;% (1/{report.Experts}).</p>\n");
        Legend(page, even);
        page.Append("<section class=\"maps\">\n");
        foreach (TextReport text in report.Texts) HeatMap(page, text, even);
        page.Append("</section>\n");
        HitMaps(page, report);
        if (report.Texts.Count > 1) Differences(page, report);
        int layers = report.Texts[0].Layers.Count;
        page.Append("<h2>First, middle and last layer</h2>\n<p>The dashed line is an even share.</p>\n");
        SeriesLegend(page, report);
        page.Append("<section class=\"bars\">\n");
        foreach (int layer in new[] { 0, layers / 2, layers - 1 }.Distinct()) Bars(page, report, layer, even);
        return page.Append("</section>\n</main>\n</body>\n</html>\n").ToString();
    }

    private static void Legend(StringBuilder page, double even)
    {
        page.Append("<table class=\"legend\"><tr><th scope=\"row\">share</th>");
        foreach (double ratio in (ReadOnlySpan<double>)[0.25, 0.5, 1, 2, 4])
        {
            string sign = ratio == 0.25 ? "≤ " : ratio == 4 ? "≥ " : "";
            page.Append(Cell(even * ratio, even, $"{sign}{Percent(even * ratio)}&nbsp;%", ""));
        }
        page.Append("</tr></table>\n");
    }

    private static void HeatMap(StringBuilder page, TextReport text, double even)
    {
        double repeated = text.Layers.Average(layer => layer.RepeatedFirstChoice);
        page.Append($"<figure>\n<figcaption><b>{Html(text.Label)}</b> {text.Tokens.ToString("N0", CultureInfo.InvariantCulture)} tokens; {Percent(repeated)}&nbsp;% have the first expert of the token before</figcaption>\n")
            .Append("<table class=\"map\">\n<thead><tr><th>layer, expert</th>");
        for (int expert = 0; expert < text.Layers[0].Shares.Count; expert++) page.Append($"<th scope=\"col\">{expert}</th>");
        page.Append("</tr></thead>\n<tbody>\n");
        for (int layer = 0; layer < text.Layers.Count; layer++)
        {
            page.Append($"<tr><th scope=\"row\">{layer}</th>");
            for (int expert = 0; expert < text.Layers[layer].Shares.Count; expert++)
            {
                double share = text.Layers[layer].Shares[expert];
                page.Append(Cell(share, even, Percent(share),
                    $"{text.Label}, layer {layer}, expert {expert}: {Percent(share)} % of the choices"));
            }
            page.Append("</tr>\n");
        }
        page.Append("</tbody>\n</table>\n</figure>\n");
    }

    /// <summary>
    /// What part of the choices was on the GPU, layer by layer and piece by piece: from nothing (the page's colour) to all of them (full
    /// colour).
    /// </summary>
    private static void HitMaps(StringBuilder page, RoutingReport report)
    {
        if (report.Texts.All(text => text.HitRates is null)) return;
        page.Append("<h2>Hits along the texts</h2>\n<p>A text from left to right in pieces of as many tokens, one text after the other as they were run. A cell is the part of a layer's ")
            .Append("choices, in per cent, whose expert was on the GPU; the processor computed the others. The last row is the mean of the layers.</p>\n<section class=\"maps\">\n");
        foreach (TextReport text in report.Texts)
        {
            if (text.HitRates is not { Length: > 0 } pieces) continue;
            page.Append($"<figure>\n<figcaption><b>{Html(text.Label)}</b> {Percent(pieces.Average(piece => piece.Average()))}&nbsp;% of the choices</figcaption>\n<table class=\"map\">\n<thead><tr><th>layer, piece</th>");
            for (int piece = 0; piece < pieces.Length; piece++) page.Append($"<th scope=\"col\">{piece + 1}</th>");
            page.Append("</tr></thead>\n<tbody>\n");
            for (int layer = 0; layer < pieces[0].Length; layer++)
                Row(layer.ToString(CultureInfo.InvariantCulture), pieces.Select(piece => piece[layer]));
            Row("mean", pieces.Select(piece => piece.Average()));
            page.Append("</tbody>\n</table>\n</figure>\n");
        }
        page.Append("</section>\n");

        void Row(string label, IEnumerable<double> rates)
        {
            page.Append($"<tr><th scope=\"row\">{label}</th>");
            foreach (double rate in rates)
                page.Append($"<td style=\"background:color-mix(in oklab,var(--under) {Number(100 * rate)}%,var(--even));color:var(--{(rate > 0.65 ? "on" : "fg")})\">{(100 * rate).ToString("0", CultureInfo.InvariantCulture)}</td>");
            page.Append("</tr>\n");
        }
    }

    /// <summary>Full colour at 4 times an even share and at a quarter of it, in between by the logarithm.</summary>
    private static string Cell(double share, double even, string content, string title)
    {
        double depth = share <= 0 ? -1 : Math.Clamp(Math.Log2(share / even) / 2, -1, 1);
        string tone = depth >= 0 ? "over" : "under", strength = (Math.Abs(depth) * 100).ToString("0", CultureInfo.InvariantCulture);
        string ink = Math.Abs(depth) > 0.65 ? "on" : "fg", hint = title.Length > 0 ? $" title=\"{Html(title)}\"" : "";
        return $"<td{hint} style=\"background:color-mix(in oklab,var(--{tone}) {strength}%,var(--even));color:var(--{ink})\">{content}</td>";
    }

    /// <summary>
    /// Half the sum of the shares' differences, averaged over layers: the part of the choices that one text makes otherwise than another.
    /// </summary>
    private static void Differences(StringBuilder page, RoutingReport report)
    {
        page.Append("<h2>How differently the texts are routed</h2>\n<p>Part of the choices that would have to move to other experts to turn one text's shares into the other's, mean of all layers.</p>\n")
            .Append("<table class=\"plain\"><thead><tr><th></th>");
        foreach (TextReport text in report.Texts) page.Append($"<th scope=\"col\">{Html(text.Label)}</th>");
        page.Append("</tr></thead><tbody>\n");
        foreach (TextReport row in report.Texts)
        {
            page.Append($"<tr><th scope=\"row\">{Html(row.Label)}</th>");
            foreach (TextReport column in report.Texts)
            {
                double moved = row.Layers.Zip(column.Layers, (a, b) => a.Shares.Zip(b.Shares, (x, y) => Math.Abs(x - y)).Sum() / 2)
                    .Average();
                page.Append(row == column ? "<td>–</td>" : $"<td>{Percent(moved)}&nbsp;%</td>");
            }
            page.Append("</tr>\n");
        }
        page.Append("</tbody></table>\n");
    }

    private static void SeriesLegend(StringBuilder page, RoutingReport report)
    {
        page.Append("<p class=\"series\">");
        for (int i = 0; i < report.Texts.Count; i++)
            page.Append($"<span><i style=\"background:{Color(i)}\"></i>{Html(report.Texts[i].Label)}</span>");
        page.Append("</p>\n");
    }

    private static void Bars(StringBuilder page, RoutingReport report, int layer, double even)
    {
        int texts = report.Texts.Count, bar = Math.Clamp(26 / texts, 4, 18), group = texts * bar + 14;
        const int height = 150, left = 40, top = 8;
        int width = left + report.Experts * group + 8;
        double most = Math.Max(2 * even, report.Texts.Max(text => text.Layers[layer].Shares.Max()));
        page.Append($"<figure>\n<figcaption><b>layer {layer}</b></figcaption>\n<svg viewBox=\"0 0 {width} {height + 34}\" width=\"{width}\" role=\"img\" aria-label=\"Shares of the experts in layer {layer}\">\n");
        foreach (double share in (ReadOnlySpan<double>)[0, even, most])
        {
            // Where the largest share is close to another mark, it says nothing more.
            if (share == most && most < 1.3 * even) continue;
            string kind = share == even ? "even" : "grid";
            page.Append($"<line class=\"{kind}\" x1=\"{left}\" x2=\"{width - 4}\" y1=\"{Y(share)}\" y2=\"{Y(share)}\"/><text x=\"{left - 5}\" y=\"{Y(share)}\" dy=\"4\" text-anchor=\"end\">{Percent(share)}</text>\n");
        }
        for (int expert = 0; expert < report.Experts; expert++)
        {
            int x = left + expert * group + 8;
            for (int i = 0; i < texts; i++)
            {
                double share = report.Texts[i].Layers[layer].Shares[expert];
                page.Append($"<rect x=\"{x + i * bar}\" y=\"{Y(share)}\" width=\"{bar - 1}\" height=\"{Number(share / most * height)}\" fill=\"{Color(i)}\"><title>{Html(report.Texts[i].Label)}, expert {expert}: {Percent(share)} %</title></rect>");
            }
            page.Append($"<text x=\"{x + texts * bar / 2}\" y=\"{height + top + 18}\" text-anchor=\"middle\">{expert}</text>\n");
        }
        // Once more over the bars.
        page.Append($"<line class=\"even\" x1=\"{left}\" x2=\"{width - 4}\" y1=\"{Y(even)}\" y2=\"{Y(even)}\"/></svg>\n</figure>\n");

        string Y(double share) => Number(top + height - share / most * height);
    }

    private static string Color(int series) => s_series[series % s_series.Length];

    private static string Percent(double share) =>
        (100 * share).ToString(share < 0.0995 || Math.Abs(100 * share % 1 - 0.5) < 1e-9 ? "0.#" : "0", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static string Html(string text) => WebUtility.HtmlEncode(text);

    private const string Style = """

        :root { color-scheme: light dark; --bg: #ffffff; --fg: #1c1c1c; --soft: #5a5a5a; --line: #cfcfcf; --even: #f1f1ef; --over: #b35000; --under: #1f5fa8; --on: #ffffff; }
        @media (prefers-color-scheme: dark) {
          :root { --bg: #14161a; --fg: #e9e9e6; --soft: #a6a6a2; --line: #3b3f46; --even: #262a30; --over: #f39a3d; --under: #62aef2; --on: #101214; }
        }
        body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 1200px; margin: 0 auto; padding: 24px; }
        h1 { font-size: 24px; margin: 0 0 8px; } h2 { font-size: 18px; margin: 32px 0 4px; } p { margin: 4px 0 12px; color: var(--soft); max-width: 75ch; }
        .maps, .bars { display: flex; flex-wrap: wrap; gap: 24px 40px; } figure { margin: 0; overflow-x: auto; } figcaption { color: var(--soft); margin-bottom: 4px; }
        figcaption b { color: var(--fg); margin-right: 6px; }
        table { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; }
        th { color: var(--soft); font-weight: normal; font-size: 12px; padding: 0 6px; text-align: right; } thead th { text-align: center; }
        .map td { width: 38px; height: 24px; text-align: center; font-size: 12px; border-radius: 3px; }
        .legend td { padding: 2px 12px; font-size: 12px; border-radius: 3px; } .legend { margin: 0 0 20px -6px; }
        .plain td, .plain th { padding: 2px 12px; text-align: right; font-size: 13px; }
        svg text { fill: var(--soft); font-size: 11px; } svg .grid { stroke: var(--line); } svg .even { stroke: var(--fg); stroke-dasharray: 5 4; }
        .series { display: flex; flex-wrap: wrap; gap: 4px 20px; } .series i { display: inline-block; width: 12px; height: 12px; margin-right: 6px; border-radius: 2px; }

        """;
}
