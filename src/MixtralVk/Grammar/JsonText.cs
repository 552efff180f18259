using System.Text;
using System.Text.Json;

namespace MixtralVk.Grammar;

/// <summary>
/// JSON in the one form in which answers have it (RFC 8259 section 7): quote, backslash and control characters are escaped, in the shortest
/// way, and nothing else is; there is no white space.
/// </summary>
internal static class JsonText
{
    /// <summary>A string with its quotes.</summary>
    public static string Of(string text)
    {
        var json = new StringBuilder(text.Length + 2).Append('"');
        foreach (char c in text)
        {
            if (c is '"' or '\\' or < ' ') json.Append(Escape(c));
            else json.Append(c);
        }
        return json.Append('"').ToString();
    }

    /// <summary>A value of a document.</summary>
    public static string Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Of(value.GetString()!),
        JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Of))}]",
        JsonValueKind.Object => $"{{{string.Join(',', value.EnumerateObject().Select(member => $"{Of(member.Name)}:{Of(member.Value)}"))}}}",
        _ => value.GetRawText(),
    };

    /// <summary>How a character is written that must be escaped.</summary>
    public static string Escape(int c) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\f' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => $"\\u{c:x4}",
    };
}
