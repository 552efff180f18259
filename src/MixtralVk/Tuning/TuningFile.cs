using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Tuning;

/// <summary>
/// The choices measured on a device, as JSON beside its pipeline cache: one file per device and driver, valid for the kernels it was
/// measured with. A file that does not fit or is damaged counts as none: it costs measuring again, nothing else.
/// </summary>
internal sealed class TuningFile
{
    private const int MaxBytes = 1 << 20;

    private readonly string _kernels;
    private readonly DeviceDescription _device;

    public TuningFile(string folder, DeviceDescription device, ShaderLibrary shaders)
    {
        FilePath = Path.Combine(folder, $"{device.DeviceUuid}-{device.DriverUuid}.tuning.json");
        _device = device;
        _kernels = Fingerprint(shaders);
    }

    /// <summary>The file's path.</summary>
    public string FilePath { get; }

    /// <summary>The shipped choices, overridden by the stored ones; null when nothing is stored.</summary>
    public ProductChoices? Read()
    {
        try
        {
            if (new FileInfo(FilePath) is not { Exists: true, Length: <= MaxBytes }) return null;
            TuningRecord? record = JsonSerializer.Deserialize(File.ReadAllBytes(FilePath), TuningJson.Default.TuningRecord);
            if (record is null || record.Kernels != _kernels || record.Choices is null || !record.Choices.All(IsKnown)) return null;
            ProductChoices choices = ProductChoices.Shipped(_device);
            foreach (IGrouping<ProductShape, ProductChoice> shape in record.Choices.GroupBy(c => c.Shape))
                choices = choices.With(shape.Key, shape.ToDictionary(c => c.Tokens, c => c.Variant));
            return choices;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Stores choices. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public void Write(ProductChoices choices)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(
            new TuningRecord(_device.Name, _device.Driver, _kernels, [.. choices.Measured]), TuningJson.Default.TuningRecord));
    }

    /// <summary>JSON takes any number for a value of an enumeration.</summary>
    private static bool IsKnown(ProductChoice choice) =>
        Enum.IsDefined(choice.Shape.Kind) && Enum.IsDefined(choice.Shape.Format) && Enum.IsDefined(choice.Tokens)
        && Enum.IsDefined(choice.Variant.WeightFetch) && Enum.IsDefined(choice.Variant.ActivationFetch)
        && Enum.IsDefined(choice.Variant.Arithmetic);

    /// <summary>Changes with any kernel: what was measured with other code says nothing.</summary>
    private static string Fingerprint(ShaderLibrary shaders)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in shaders.Names.Order(StringComparer.Ordinal)) hash.AppendData(shaders[name]);
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}

/// <summary>What the file holds.</summary>
/// <param name="Device">Name of the device, for readers.</param>
/// <param name="Driver">Driver and version, for readers.</param>
/// <param name="Kernels">SHA-256 of all shader modules.</param>
/// <param name="Choices">For each shape one choice per class of tokens.</param>
internal sealed record TuningRecord(string Device, string Driver, string Kernels, IReadOnlyList<ProductChoice> Choices);

[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TuningRecord))]
internal sealed partial class TuningJson : JsonSerializerContext;
