using System.Globalization;

namespace MixtralVk.Loading;

/// <summary>One GGUF file: a whole model, or a part of a split one.</summary>
internal sealed record GgufPart(MappedFile File, GgufHeader Header)
{
    /// <summary>The error to throw.</summary>
    public ModelFileException Error(string problem) => new(File.Path, problem);

    /// <summary>Opens one file and checks its header.</summary>
    public static GgufPart Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new GgufPart(file, GgufHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An integer of the header; null when the key is absent.</summary>
    public long? Integer(string key) =>
        !Header.Metadata.TryGetValue(key, out GgufValue value) ? null
        : value.Integer ?? throw Error($"metadata value '{key}' is {value} ({value.Type}), not an integer.");
}

/// <summary>
/// The parts of a model that llama.cpp's gguf-split cut: <c>NAME-00001-of-00003.gguf</c> and so on, each with <c>split.no</c> from 0,
/// <c>split.count</c> and <c>split.tensors.count</c> (of all parts together). The first part has the model's metadata.
/// </summary>
internal static class GgufParts
{
    private const string CountKey = "split.count", NumberKey = "split.no", TensorsKey = "split.tensors.count";

    /// <summary>
    /// Opens a file and, when it is a part of a split model, all others beside it; whichever part <paramref name="path"/> names.
    /// </summary>
    public static GgufPart[] Open(string path)
    {
        var parts = new List<GgufPart>();
        try
        {
            GgufPart opened = GgufPart.Open(path);
            parts.Add(opened);
            long count = opened.Integer(CountKey) ?? 1;
            if (count is 0 or 1) return [.. parts];
            if (count is < 0 or > 99999) throw opened.Error($"{CountKey} is {count}; 1 to 99999 is possible.");
            string stem = Stem(opened, (int)count, out int number);
            CheckNumber(opened, number, count);
            for (int i = 0; i < count; i++)
            {
                if (i == number) continue;
                string sibling = PathOf(stem, i, (int)count);
                if (!File.Exists(sibling))
                    throw opened.Error($"part {i + 1} of {count} of this split model is missing: {Path.GetFileName(sibling)}.");
                GgufPart part = GgufPart.Open(sibling);
                parts.Insert(i, part);
                CheckNumber(part, i, count);
            }
            CheckTensors(parts);
            return [.. parts];
        }
        catch
        {
            foreach (GgufPart part in parts) part.File.Dispose();
            throw;
        }
    }

    /// <summary>Path of a part; <paramref name="number"/> counts from 0.</summary>
    internal static string PathOf(string stem, int number, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{stem}-{number + 1:D5}-of-{count:D5}.gguf");

    /// <summary>The file's path up to <c>-00001-of-0000N.gguf</c>, which the name must end with.</summary>
    private static string Stem(GgufPart part, int count, out int number)
    {
        string path = part.File.Path;
        long stated = part.Integer(NumberKey) ?? throw part.Error($"{NumberKey} is missing in a part of a split model.");
        if (stated < 0 || stated >= count) throw part.Error($"{NumberKey} is {stated}; the model has {count} parts.");
        number = (int)stated;
        string ending = PathOf("", number, count);
        if (!path.EndsWith(ending, StringComparison.Ordinal))
            throw part.Error($"is part {number + 1} of {count} of a split model, so its name must end in {ending}.");
        return path[..^ending.Length];
    }

    private static void CheckNumber(GgufPart part, int number, long count)
    {
        if (part.Integer(CountKey) is var found && found != count)
            throw part.Error(
                $"is not a part of this model: {CountKey} is {found?.ToString(CultureInfo.InvariantCulture) ?? "missing"}, not {count}.");
        if (part.Integer(NumberKey) is var place && place != number)
            throw part.Error(
                $"is not the part its name says: {NumberKey} is {place?.ToString(CultureInfo.InvariantCulture) ?? "missing"}, not {number}.");
    }

    private static void CheckTensors(List<GgufPart> parts)
    {
        var owners = new Dictionary<string, GgufPart>();
        foreach (GgufPart part in parts)
        {
            foreach (string name in part.Header.Tensors.Keys)
                if (!owners.TryAdd(name, part))
                    throw part.Error(
                        $"tensor '{name}' is in {Path.GetFileName(owners[name].File.Path)} too; the parts are of different models.");
        }
        foreach (GgufPart part in parts)
        {
            if (part.Integer(TensorsKey) is long tensors && tensors != owners.Count)
                throw part.Error(
                    $"{TensorsKey} is {tensors}, but the {parts.Count} parts have {owners.Count} tensors; they are of different models.");
        }
    }
}
