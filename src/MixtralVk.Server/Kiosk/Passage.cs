namespace MixtralVk.Server.Kiosk;

/// <summary>A piece of an operator's text that is short enough for a prompt.</summary>
/// <param name="Title">Where it is from, for people: the file's title and the heading above it.</param>
/// <param name="Text">The text, without the headings.</param>
internal sealed record Passage(string Title, string Text)
{
    /// <summary>What it is found by.</summary>
    public string Searched => $"{Title} {Text}";
}

/// <summary>Cuts texts into passages.</summary>
internal static class Passages
{
    private const int MostCharacters = 600;
    private const long MostBytes = 1 << 20;

    private static readonly string[] s_endings = [".txt", ".md"];

    /// <summary>The files of a folder and the folders in it, in order of their paths.</summary>
    public static IEnumerable<FileInfo> Files(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(file => s_endings.Contains(file.Extension.ToLowerInvariant()) && file.Length <= MostBytes)
            .OrderBy(file => file.FullName, StringComparer.Ordinal);

    /// <summary>
    /// The passages of a text: paragraphs below one heading (a line that begins with #), as many together as fit. The first heading is the
    /// text's title; without one the file's name is. A paragraph that is too long is cut between sentences.
    /// </summary>
    public static IEnumerable<Passage> Of(string name, string text)
    {
        string title = name, heading = "", pending = "";
        bool titled = false;
        foreach (string block in text.ReplaceLineEndings("\n")
            .Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string rest = block;
            while (rest.StartsWith('#'))
            {
                if (pending.Length > 0) yield return new Passage(Where(title, heading), pending);
                pending = "";
                string line = rest.Split('\n')[0];
                rest = rest[line.Length..].Trim();
                (title, heading) = titled ? (title, line.Trim('#', ' ')) : (line.Trim('#', ' '), "");
                titled = true;
            }
            foreach (string piece in Cut(rest.Replace('\n', ' ')))
            {
                if (pending.Length > 0 && pending.Length + piece.Length >= MostCharacters)
                {
                    yield return new Passage(Where(title, heading), pending);
                    pending = "";
                }
                pending = pending.Length > 0 ? $"{pending} {piece}" : piece;
            }
        }
        if (pending.Length > 0) yield return new Passage(Where(title, heading), pending);
    }

    private static string Where(string title, string heading) => heading.Length > 0 ? $"{title}: {heading}" : title;

    /// <summary>A paragraph in pieces that fit: after the last sentence that fits, else after the last word, else anywhere.</summary>
    private static IEnumerable<string> Cut(string paragraph)
    {
        while (paragraph.Length > MostCharacters)
        {
            int end = paragraph.LastIndexOf(". ", MostCharacters - 1, StringComparison.Ordinal) + 1;
            if (end == 0) end = paragraph.LastIndexOf(' ', MostCharacters - 1);
            if (end <= 0) end = MostCharacters;
            yield return paragraph[..end].Trim();
            paragraph = paragraph[end..].Trim();
        }
        if (paragraph.Length > 0) yield return paragraph;
    }
}
