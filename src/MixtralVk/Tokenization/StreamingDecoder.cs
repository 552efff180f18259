using System.Buffers;
using System.Text;

namespace MixtralVk.Tokenization;

/// <summary>
/// Turns tokens into text one at a time without ever splitting a character: the bytes of a character spelled in byte tokens wait until it
/// is complete; bytes that cannot become one give U+FFFD. Allocates nothing but the strings of characters spelled in bytes. Not
/// thread-safe.
/// </summary>
public sealed class StreamingDecoder
{
    private static readonly string[] Ascii = [.. Enumerable.Range(0, 128).Select(c => ((char)c).ToString())];

    private readonly Tokenizer _tokenizer;
    private readonly byte[] _pending = new byte[4];
    private int _pendingCount;
    private bool _trimSpace;

    /// <summary>Makes a decoder.</summary>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <param name="trimLeadingSpace">Take away the first space of the text where the vocabulary puts one in front of every text.</param>
    public StreamingDecoder(Tokenizer tokenizer, bool trimLeadingSpace = true)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _trimSpace = trimLeadingSpace && tokenizer.AddsSpacePrefix;
    }

    /// <summary>The text that became certain with this token; may be empty.</summary>
    public string Append(int token)
    {
        int value = _tokenizer.ByteOf(token);
        if (value < 0)
        {
            string text = _tokenizer.TextOf(token);
            if (text.Length == 0) return text;
            return _pendingCount > 0 ? Flush() + text : Trimmed(text);
        }
        if (value < 128 && _pendingCount == 0) return Trimmed(Ascii[value]);
        return AppendByte((byte)value);
    }

    /// <summary>Ends the text: an incomplete character becomes U+FFFD. Empty when nothing was waiting.</summary>
    public string Flush()
    {
        if (_pendingCount == 0) return "";
        _pendingCount = 0;
        return "\uFFFD";
    }

    private string AppendByte(byte value)
    {
        _trimSpace = false;
        _pending[_pendingCount++] = value;
        string text = "";
        while (_pendingCount > 0)
        {
            OperationStatus status = Rune.DecodeFromUtf8(_pending.AsSpan(0, _pendingCount), out Rune rune, out int used);
            if (status == OperationStatus.NeedMoreData) break;
            text += rune.ToString(); // U+FFFD where the bytes are not UTF-8
            _pending.AsSpan(used, _pendingCount - used).CopyTo(_pending);
            _pendingCount -= used;
        }
        return text;
    }

    private string Trimmed(string text)
    {
        if (!_trimSpace) return text;
        _trimSpace = false;
        return text[0] == ' ' ? text[1..] : text;
    }
}
