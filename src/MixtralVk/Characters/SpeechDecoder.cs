using System.Globalization;
using System.Text;

namespace MixtralVk.Characters;

/// <summary>
/// The first string value of a JSON object that arrives in pieces, decoded as it grows: escapes, also when a border lies inside one, and never half
/// a surrogate pair. Allocates only pieces that are more than one character and not the JSON as it came.
/// </summary>
internal sealed class SpeechDecoder
{
    private enum Place
    {
        BeforeColon,
        BeforeText,
        Text,
        Escape,
        Unicode,
        After,
    }

    private static readonly string[] s_ascii = [.. Enumerable.Range(0, 128).Select(c => ((char)c).ToString())];

    private readonly string[] _ascii = s_ascii; // made with the first decoder, not in a tick
    private readonly StringBuilder _piece = new();
    private readonly StringBuilder _digits = new(4);
    private Place _place;
    private char _high; // the first half of a pair, while the second is awaited

    /// <summary>What the piece adds to the text.</summary>
    public string Append(string json)
    {
        if (_place == Place.Text && IsPlain(json)) return json;
        _piece.Clear();
        foreach (char c in json) Append(c);
        return _piece.Length == 1 && _piece[0] < _ascii.Length ? _ascii[_piece[0]] : _piece.ToString();
    }

    /// <summary>Within the text, most pieces are what they say.</summary>
    private static bool IsPlain(ReadOnlySpan<char> json) => !json.ContainsAny('"', '\\') && !json.ContainsAnyInRange('\uD800', '\uDFFF');

    private void Append(char c)
    {
        switch (_place)
        {
            case Place.BeforeColon when c == ':': _place = Place.BeforeText; break;
            case Place.BeforeText when c == '"': _place = Place.Text; break;
            case Place.Text when c == '"': _place = Place.After; break;
            case Place.Text when c == '\\': _place = Place.Escape; break;
            case Place.Text: Add(c); break;
            case Place.Escape when c == 'u':
                _digits.Clear();
                _place = Place.Unicode;
                break;
            case Place.Escape:
                Add(c switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => c });
                _place = Place.Text;
                break;
            case Place.Unicode:
                if (_digits.Append(c).Length < 4) break;
                Add((char)ushort.Parse(_digits.ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                _place = Place.Text;
                break;
        }
    }

    private void Add(char c)
    {
        if (char.IsHighSurrogate(c)) _high = c;
        else
        {
            if (char.IsLowSurrogate(c)) _piece.Append(_high);
            _piece.Append(c);
        }
    }
}
