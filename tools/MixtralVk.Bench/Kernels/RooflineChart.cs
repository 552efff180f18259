using System.Globalization;
using System.Text;

namespace MixtralVk.Bench;

/// <summary>
/// A roofline as SVG: arithmetic intensity against speed, both logarithmic, under the two measured roofs; a dot per result (S. Williams and
/// others, "Roofline: an insightful visual performance model", 2009).
/// </summary>
internal sealed class RooflineChart
{
    private const double Width = 1000, Height = 560, Left = 74, Right = 20, Top = 18, Bottom = 52;

    private readonly KernelReport _report;
    private readonly KernelResult[] _dots;
    private readonly IReadOnlyList<string> _families;
    private readonly double _minX, _maxX, _minY, _maxY;

    public RooflineChart(KernelReport report, IReadOnlyList<string> families)
    {
        _report = report;
        _families = families;
        _dots = [.. report.Kernels.Where(k => k.GFlopPerSecond > 0)];
        double ridge = report.FmaGFlopPerSecond / report.CopyGBPerSecond;
        double[] x = [.. _dots.Select(Intensity), ridge], y = [.. _dots.Select(d => d.GFlopPerSecond), report.FmaGFlopPerSecond];
        (_minX, _maxX) = (Math.Floor(Math.Log10(x.Min()) - 0.15), Math.Ceiling(Math.Log10(x.Max()) + 0.15));
        (_minY, _maxY) = (Math.Floor(Math.Log10(y.Min()) - 0.1), Math.Log10(y.Max()) + 0.25);
    }

    /// <summary>The SVG element.</summary>
    public string ToSvg()
    {
        var svg = new StringBuilder();
        svg.Append(Invariant($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"Roofline of the kernels\">"));
        Grid(svg);
        Roofs(svg);
        // Of results that lie on one another, what the engine ships and what the user brought are on top.
        foreach (KernelResult dot in _dots.OrderBy(d => d.User is not null ? 2 : d.Note.Length > 0 ? 1 : 0)) Dot(svg, dot);
        return svg.Append("</svg>").ToString();
    }

    private static double Intensity(KernelResult result) => (double)result.Flops / result.Bytes;

    private double X(double value) => Left + (Math.Log10(value) - _minX) / (_maxX - _minX) * (Width - Left - Right);

    private double Y(double value) => Height - Bottom - (Math.Log10(value) - _minY) / (_maxY - _minY) * (Height - Top - Bottom);

    private void Grid(StringBuilder svg)
    {
        double bottom = Height - Bottom, right = Width - Right;
        foreach ((double value, string text) in Ticks(_minX, _maxX))
            svg.Append(Invariant(
                $"<line class=\"grid\" x1=\"{X(value):0.#}\" y1=\"{Top}\" x2=\"{X(value):0.#}\" y2=\"{bottom}\"/><text class=\"tick\" x=\"{X(value):0.#}\" y=\"{bottom + 18}\" text-anchor=\"middle\">{text}</text>"));
        foreach ((double value, string text) in Ticks(_minY, _maxY))
            svg.Append(Invariant(
                $"<line class=\"grid\" x1=\"{Left}\" y1=\"{Y(value):0.#}\" x2=\"{right}\" y2=\"{Y(value):0.#}\"/><text class=\"tick\" x=\"{Left - 8}\" y=\"{Y(value) + 4:0.#}\" text-anchor=\"end\">{text}</text>"));
        svg.Append(Invariant(
            $"<text class=\"axis\" x=\"{(Left + right) / 2}\" y=\"{Height - 10}\" text-anchor=\"middle\">floating-point operations per byte</text>"));
        svg.Append(Invariant(
            $"<text class=\"axis\" transform=\"translate(16 {(Top + bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">GFLOP/s</text>"));
    }

    private void Roofs(StringBuilder svg)
    {
        double peak = _report.FmaGFlopPerSecond, bandwidth = _report.CopyGBPerSecond, ridge = peak / bandwidth;
        // The slope starts at the left or the bottom border, whichever it meets first.
        double start = Math.Max(Math.Pow(10, _minX), Math.Pow(10, _minY) / bandwidth), end = Math.Pow(10, _maxX);
        svg.Append(Invariant(
            $"<path class=\"roof\" d=\"M{X(start):0.#} {Y(start * bandwidth):0.#}L{X(ridge):0.#} {Y(peak):0.#}L{X(end):0.#} {Y(peak):0.#}\"/>"));
        svg.Append(Invariant(
            $"<text class=\"rooflabel\" x=\"{X(end) - 6:0.#}\" y=\"{Y(peak) - 7:0.#}\" text-anchor=\"end\">{RooflinePage.Number(peak)} GFLOP/s of fused multiply-adds</text>"));
        double at = Math.Sqrt(start * ridge), x = X(at), y = Y(at * bandwidth);
        double angle = Math.Atan2(Y(ridge * bandwidth) - Y(start * bandwidth), X(ridge) - X(start)) * 180 / Math.PI;
        svg.Append(Invariant(
            $"<text class=\"rooflabel\" transform=\"translate({x:0.#} {y - 8:0.#}) rotate({angle:0.#})\" text-anchor=\"middle\">{RooflinePage.Number(bandwidth)} GB/s copied</text>"));
    }

    private void Dot(StringBuilder svg, KernelResult dot)
    {
        (double x, double y) = (X(Intensity(dot)), Y(dot.GFlopPerSecond));
        string color = $"c{_families.ToList().IndexOf(RooflinePage.Family(dot)) % RooflinePage.Colors}";
        string title = $"<title>{RooflinePage.Escape(RooflinePage.Describe(dot))}</title>";
        if (dot.User is not null)
            svg.Append(Invariant($"<path class=\"dot user {color}\" d=\"M{x - 8:0.#} {y:0.#}l8 -8l8 8l-8 8z\">{title}</path>"));
        else svg.Append(Invariant(
            $"<circle class=\"dot {(dot.Note.Length > 0 ? "shipped " : "")}{color}\" cx=\"{x:0.#}\" cy=\"{y:0.#}\" r=\"{(dot.Note.Length > 0 || dot.Variant.Length == 0 ? 6 : 4)}\">{title}</circle>"));
    }

    /// <summary>1, 2 and 5 of each power of ten in a range of exponents; the powers alone where these would stand too close.</summary>
    private static IEnumerable<(double Value, string Text)> Ticks(double from, double to)
    {
        double[] steps = to - from > 4.5 ? [1] : [1, 2, 5];
        for (double power = Math.Floor(from); power <= to; power++)
            foreach (double value in steps.Select(step => step * Math.Pow(10, power))
                .Where(v => Math.Log10(v) >= from && Math.Log10(v) <= to))
                yield return (value, value.ToString("0.######", CultureInfo.InvariantCulture));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
