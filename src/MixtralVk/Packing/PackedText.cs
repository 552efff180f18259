using System.Text;
using MessagePack;
using MixtralVk.Loading;

namespace MixtralVk.Packing;

/// <summary>Texts of a packed header, which must be UTF-8, and the errors about its keys.</summary>
internal static class PackedText
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    public static string Read(ref MessagePackReader reader, string path)
    {
        if (!reader.TryReadStringSpan(out ReadOnlySpan<byte> utf8))
            throw new ModelFileException(path, "its header has nil where a text belongs.");
        try
        {
            return _strict.GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            throw new ModelFileException(path, "a text of its header is not valid UTF-8.", e);
        }
    }

    public static ModelFileException Unknown(string path, string section, string key) =>
        new(path, $"its {section} has '{key}', which this version does not know: the file was made by a newer one.");
}
