using System.Buffers.Binary;
using System.Text;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>Damage to bytes and texts, as seeds of a random generator decide.</summary>
internal static class Mutation
{
    private static readonly long[] Integers =
    [
        0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 64, 127, 128, 255, 256, 257, 1000, 4096, 32767, 32768, 65535, 65536, 1 << 20, int.MaxValue,
        1L << 31, uint.MaxValue,
        1L << 32, 1L << 40, 1L << 60, long.MaxValue, long.MinValue, -1, -2, -32, -256, int.MinValue,
    ];

    private static readonly string[] JsonPieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1", "0", "1e999", "18446744073709551616", "9223372036854775807", "1.5",
        "\\u0000", "\\ud800",
        "{}", "[]", "[[[[[[[[", "\"\":", "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},", "\u00ff", "\t",
    ];

    public static long Integer(Random random) =>
        random.Next(4) == 0 ? random.NextInt64() >> random.Next(64) : Integers[random.Next(Integers.Length)];

    public static T Pick<T>(Random random, IReadOnlyList<T> of) => of[random.Next(of.Count)];

    /// <summary>One to a few changes, most of them in the first <paramref name="headerBytes"/> bytes.</summary>
    public static byte[] OfBytes(Random random, byte[] input, int headerBytes)
    {
        byte[] bytes = [.. input];
        for (int change = random.Next(1, 5); change > 0 && bytes.Length > 0; change--)
        {
            int at = random.Next(random.Next(8) == 0 ? bytes.Length : Math.Clamp(headerBytes, 1, bytes.Length));
            switch (random.Next(9))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: Write(random, bytes.AsSpan(at), Integer(random)); break;
                case 3: Write(random, bytes.AsSpan(at), random.Next(bytes.Length + 1)); break;
                case 4: bytes = bytes[..at]; break;
                case 5: bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(1, 17))..]]; break;
                case 6: bytes = [.. bytes[..at], .. new byte[random.Next(1, 17)], .. bytes[at..]]; break;
                case 7: // a piece a second time
                    int end = Math.Min(bytes.Length, at + random.Next(1, 200));
                    bytes = [.. bytes[..end], .. bytes[at..end], .. bytes[end..]];
                    break;
                case 8: // a piece over another
                    int from = random.Next(bytes.Length), count = Math.Min(random.Next(1, 100), bytes.Length - Math.Max(from, at));
                    bytes.AsSpan(from, count).ToArray().CopyTo(bytes, at);
                    break;
            }
        }
        return bytes;
    }

    /// <summary>Changes to a JSON text: other numbers, pieces of JSON put in, taken out, repeated or exchanged.</summary>
    public static string OfJson(Random random, string json)
    {
        var text = new StringBuilder(json);
        for (int change = random.Next(1, 5); change > 0 && text.Length > 0; change--)
        {
            int at = random.Next(text.Length), length = Math.Min(random.Next(1, 40), text.Length - at);
            switch (random.Next(5))
            {
                case 0: text.Insert(at, Pick(random, JsonPieces)); break;
                case 1: text.Remove(at, length); break;
                case 2: text.Insert(at, text.ToString(at, length)); break;
                case 3: text[at] = (char)random.Next(32, 127); break;
                case 4:
                    while (at < text.Length && !char.IsAsciiDigit(text[at])) at++;
                    int end = at;
                    while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
                    text.Remove(at, end - at).Insert(at, Integer(random));
                    break;
            }
        }
        return text.ToString();
    }

    private static void Write(Random random, Span<byte> to, long value)
    {
        if (to.Length >= 8 && random.Next(2) == 0) BinaryPrimitives.WriteInt64LittleEndian(to, value);
        else if (to.Length >= 4) BinaryPrimitives.WriteInt32LittleEndian(to, (int)value);
        else to[0] = (byte)value;
    }
}
