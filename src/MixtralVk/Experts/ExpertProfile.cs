using System.Text.Json;
using System.Text.Json.Serialization;
using MixtralVk.Model;
using MixtralVk.SaveGames;

namespace MixtralVk.Experts;

/// <summary>
/// How often the experts of a model were used when it ran last, as JSON beside the pipeline cache: the next start puts those that were used
/// most on the device, whatever its budget. One file per model. A file that does not fit or is damaged counts as none.
/// </summary>
internal sealed class ExpertProfile
{
    private const int MaxBytes = 4 << 20;

    private readonly ModelConfig _config;

    public ExpertProfile(string folder, string model, ModelConfig config)
    {
        FilePath = Path.Combine(folder, $"{Convert.ToHexStringLower(ModelFingerprint.OfFile(model))[..32]}.experts.json");
        _config = config;
    }

    /// <summary>The file's path.</summary>
    public string FilePath { get; }

    /// <summary>The stored counts; null when there are none.</summary>
    public ExpertUse? Read()
    {
        try
        {
            if (new FileInfo(FilePath) is not { Exists: true, Length: <= MaxBytes }) return null;
            ExpertProfileRecord? record =
                JsonSerializer.Deserialize(File.ReadAllBytes(FilePath), ExpertProfileJson.Default.ExpertProfileRecord);
            var use = new ExpertUse(_config.LayerCount, _config.ExpertCount);
            if (record?.Use is not { } layers || layers.Length != use.LayerCount) return null;
            for (int layer = 0; layer < layers.Length; layer++)
            {
                if (layers[layer] is not { } counts || counts.Length != use.ExpertCount
                    || !counts.All(count => count >= 0 && double.IsFinite(count))) return null;
                counts.CopyTo(use.Counts[(layer * use.ExpertCount)..]);
            }
            return use;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Stores counts (<see cref="ExpertUse.Counts"/>). Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.
    /// </summary>
    public void Write(ReadOnlySpan<double> counts)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        var layers = new double[_config.LayerCount][];
        for (int layer = 0; layer < layers.Length; layer++)
            layers[layer] = counts.Slice(layer * _config.ExpertCount, _config.ExpertCount).ToArray();
        AtomicFile.Write(FilePath, JsonSerializer.SerializeToUtf8Bytes(
            new ExpertProfileRecord(_config.Name, layers), ExpertProfileJson.Default.ExpertProfileRecord));
    }
}

/// <summary>What the file holds.</summary>
/// <param name="Model">Name of the model, for readers.</param>
/// <param name="Use">[layer][expert]: tokens that chose each, the older the less (<see cref="ExpertUse"/>).</param>
internal sealed record ExpertProfileRecord(string Model, double[][] Use);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ExpertProfileRecord))]
internal sealed partial class ExpertProfileJson : JsonSerializerContext;
