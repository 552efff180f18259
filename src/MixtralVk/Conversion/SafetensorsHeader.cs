using System.Text.Json;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>
/// The JSON header of a safetensors file: an object with one member per tensor (<c>dtype</c>, <c>shape</c>, <c>data_offsets</c> from the
/// begin of the data) and an optional <c>__metadata__</c> object of strings. The format is described in the safetensors project's README.
/// Nothing read here is trusted.
/// </summary>
internal static class SafetensorsHeader
{
    private const int NameChars = 1024, MaxRank = 8, MaxDepth = 4;

    /// <summary>
    /// Reads a header. <paramref name="dataStart"/> is where the data begins in the file, <paramref name="dataBytes"/> how much there is.
    /// </summary>
    public static Dictionary<string, SafetensorsTensor> Read(string path, ReadOnlySpan<byte> json, long dataStart, long dataBytes)
    {
        var tensors = new Dictionary<string, SafetensorsTensor>();
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            Expect(path, ref reader, JsonTokenType.StartObject, "the header");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = Name(path, ref reader);
                if (name == "__metadata__")
                {
                    reader.Skip();
                    continue;
                }
                SafetensorsTensor tensor = ReadTensor(path, name, ref reader, dataStart, dataBytes);
                if (!tensors.TryAdd(name, tensor)) throw new ModelFileException(path, $"tensor '{name}' appears twice.");
            }
            if (reader.Read()) throw new ModelFileException(path, "the header goes on after its end.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a text that is not UTF-8.
            throw new ModelFileException(path, "the header is not valid JSON of the safetensors form.", e);
        }
        RefuseOverlap(path, tensors.Values);
        return tensors;
    }

    private static SafetensorsTensor ReadTensor(string path, string name, ref Utf8JsonReader reader, long dataStart, long dataBytes)
    {
        string what = $"tensor '{name}'";
        string? type = null;
        List<long>? shape = null, offsets = null;
        Expect(path, ref reader, JsonTokenType.StartObject, what);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8))
            {
                Expect(path, ref reader, JsonTokenType.String, what + ": dtype");
                type = reader.ValueSpan.Length <= NameChars
                    ? reader.GetString() : throw new ModelFileException(path, $"{what} has an overlong dtype.");
            }
            else if (reader.ValueTextEquals("shape"u8)) shape = Numbers(path, ref reader, what + ": shape", MaxRank);
            else if (reader.ValueTextEquals("data_offsets"u8)) offsets = Numbers(path, ref reader, what + ": data_offsets", 2);
            else throw new ModelFileException(path, $"{what} has a member that the format does not know.");
        }
        if (type is null || shape is null || offsets is not [long begin, long end])
            throw new ModelFileException(path, $"{what} lacks dtype, shape or its two data_offsets.");
        if (begin > end || end > dataBytes)
            throw new ModelFileException(path,
                $"{what} lies at {begin} to {end} of the data, which has {dataBytes} bytes; the file is truncated or damaged.");

        int elementBytes = SafetensorsTensor.ElementBytes(type);
        if (elementBytes == 0) throw new ModelFileException(path, $"{what} has the unknown dtype '{type}'.");
        UInt128 size = (UInt128)elementBytes;
        foreach (long length in shape) size = size > long.MaxValue ? size : size * (UInt128)length;
        if (size != (UInt128)(end - begin))
            throw new ModelFileException(path,
                $"{what} has {end - begin} bytes of data, but {type} [{string.Join(", ", shape)}] needs {size}.");
        return new SafetensorsTensor(name, type, shape, dataStart + begin, end - begin);
    }

    /// <summary>An array of at most <paramref name="most"/> numbers of 0 or more.</summary>
    private static List<long> Numbers(string path, ref Utf8JsonReader reader, string what, int most)
    {
        var numbers = new List<long>();
        Expect(path, ref reader, JsonTokenType.StartArray, what);
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            if (numbers.Count == most || !reader.TryGetInt64(out long number) || number < 0)
                throw new ModelFileException(path, $"{what} is not a list of at most {most} whole numbers of 0 or more.");
            numbers.Add(number);
        }
        return reader.TokenType == JsonTokenType.EndArray
            ? numbers : throw new ModelFileException(path, $"{what} is not a list of whole numbers.");
    }

    private static string Name(string path, ref Utf8JsonReader reader) =>
        reader.ValueSpan.Length <= NameChars
            ? reader.GetString()! : throw new ModelFileException(path, $"a tensor's name has more than {NameChars} bytes.");

    private static void Expect(string path, ref Utf8JsonReader reader, JsonTokenType type, string what)
    {
        if (!reader.Read() || reader.TokenType != type) throw new ModelFileException(path, $"{what} is not of the safetensors form.");
    }

    private static void RefuseOverlap(string path, IEnumerable<SafetensorsTensor> tensors)
    {
        SafetensorsTensor? before = null;
        foreach (SafetensorsTensor tensor in tensors.Where(t => t.Bytes > 0).OrderBy(t => t.Offset))
        {
            if (before is not null && tensor.Offset < before.Offset + before.Bytes)
                throw new ModelFileException(path, $"tensors '{before.Name}' and '{tensor.Name}' overlap.");
            before = tensor;
        }
    }
}
