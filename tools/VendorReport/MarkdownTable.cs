using System.Text;

namespace VendorReport;

/// <summary>A table of a Markdown file; numbers are right-aligned by the caller's choice of header ("n:").</summary>
internal static class MarkdownTable
{
    /// <summary>Appends a table. A header that ends in ':' is a column of numbers.</summary>
    public static StringBuilder AppendTable(this StringBuilder text, IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<string>> rows)
    {
        Line(headers.Select(h => h.TrimEnd(':')));
        Line(headers.Select(h => h.EndsWith(':') ? "---:" : "---"));
        foreach (IReadOnlyList<string> row in rows) Line(row);
        return text.Append('\n');

        void Line(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    /// <summary>Appends a line.</summary>
    public static StringBuilder AppendRow(this StringBuilder text, string line) => text.Append(line).Append('\n');
}
