using System.Globalization;
using System.Text;

namespace MixtralVk.Characters;

/// <summary>
/// The four strings of a reply (<see cref="ReplyForm"/>), decoded from its JSON as that arrives in pieces: escapes, also when a border lies
/// inside one, and never half a surrogate pair. So nothing is left to parse in the tick that hands over the end. Allocates only pieces that
/// are more than one character and not the JSON as it came.
/// </summary>
internal sealed class AnswerDecoder
{
    private enum Place
    {
        BeforeColon,
        BeforeText,
        Text,
        Escape,
        Unicode,
    }

    private static readonly string[] s_ascii = [.. Enumerable.Range(0, 128).Select(c => ((char)c).ToString())];

    private readonly string[] _ascii = s_ascii; // made with the first decoder, not in a tick
    private readonly StringBuilder _say;
    private readonly StringBuilder[] _texts;
    private readonly StringBuilder _digits = new(4);
    private Place _place;
    private int _text;  // which of them is being read
    private char _high; // the first half of a pair, while the second is awaited

    /// <param name="speechCapacity">Characters of speech for which there is room from the beginning.</param>
    public AnswerDecoder(int speechCapacity)
    {
        _say = new StringBuilder(speechCapacity);
        _texts = [_say, new StringBuilder(16), new StringBuilder(32), new StringBuilder(64)];
    }

    /// <summary>What is said so far.</summary>
    public string Speech => _say.ToString();

    /// <summary>The whole, of a reply that is complete.</summary>
    public CharacterAnswer ToAnswer() => new(Speech, _texts[1].ToString(), _texts[2].ToString(), _texts[3].ToString());

    /// <summary>What the piece adds to the speech.</summary>
    public string Append(string json)
    {
        int said = _say.Length;
        if (_place == Place.Text && IsPlain(json))
        {
            _texts[_text].Append(json);
            return _text == 0 ? json : "";
        }
        foreach (char c in json) Append(c);
        return (_say.Length - said) switch
        {
            0 => "",
            1 when _say[said] < _ascii.Length => _ascii[_say[said]],
            int added => _say.ToString(said, added),
        };
    }

    /// <summary>Within a text, most pieces are what they say.</summary>
    private static bool IsPlain(ReadOnlySpan<char> json) => !json.ContainsAny('"', '\\') && !json.ContainsAnyInRange('\uD800', '\uDFFF');

    private void Append(char c)
    {
        switch (_place)
        {
            case Place.BeforeColon when c == ':': _place = Place.BeforeText; break;
            case Place.BeforeText when c == '"': _place = Place.Text; break;
            case Place.Text when c == '"':
                _text++;
                _place = Place.BeforeColon;
                break;
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
            if (char.IsLowSurrogate(c)) _texts[_text].Append(_high);
            _texts[_text].Append(c);
        }
    }
}
