using System.Text.Json;
using System.Text.Json.Serialization;

namespace MixtralVk.Server.Kiosk;

/// <summary>
/// What a kiosk looks like, who answers there, and from which texts: one JSON file, which the operator writes. Texts for visitors are given
/// by language (<c>en</c>, <c>de</c>, <c>fr</c>, <c>es</c>, <c>it</c>); where one is missing, the page has its own.
/// </summary>
internal sealed record KioskSettings
{
    // Set, not init: the generated reader gives init properties that are missing their type's default instead of the one here.
    public string Name { get; set; } = "MixtralVk";

    /// <summary>Languages offered, the first one until a visitor chooses.</summary>
    public IReadOnlyList<string> Languages { get; set; } = ["en", "de", "fr", "es", "it"];

    public IReadOnlyDictionary<string, string> Greeting { get; set; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Suggestions { get; set; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>
    /// Custom properties of the page's style sheet: <c>accent</c>, <c>on-accent</c>, <c>page</c>, <c>card</c>, <c>text</c>, ...
    /// </summary>
    public IReadOnlyDictionary<string, string> Colors { get; set; } = new Dictionary<string, string>();

    /// <summary>A picture, beside the file.</summary>
    public string? Logo { get; set; }

    /// <summary>Seconds without a touch after which the conversation is erased; 0 for never.</summary>
    public int IdleSeconds { get; set; } = 90;

    /// <summary>Who answers: the beginning of the model's instructions.</summary>
    public string? Persona { get; set; }

    /// <summary>What the model is told about the passages that follow.</summary>
    public string? Rule { get; set; } = "Answer from these texts only. If they do not tell, say that you do not know.";

    /// <summary>A folder of texts, beside the file; null where the model answers from its instructions alone.</summary>
    public string? Texts { get; set; }

    /// <summary>Most passages given to the model with a question.</summary>
    public int Passages { get; set; } = 3;

    /// <summary>What is answered, without the model, where no passage is about the question.</summary>
    public IReadOnlyDictionary<string, string> Unknown { get; set; } = new Dictionary<string, string>();

    /// <summary>Reads a file; its paths come back complete. Throws <see cref="ServerException"/>.</summary>
    public static KioskSettings Read(string file)
    {
        try
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
            using FileStream stream = File.OpenRead(file);
            KioskSettings settings = JsonSerializer.Deserialize(stream, KioskJson.Default.KioskSettings)
                ?? throw new JsonException("It is null.");
            settings = settings with
            {
                Logo = settings.Logo is null ? null : Path.Combine(folder, settings.Logo),
                Texts = settings.Texts is null ? null : Path.Combine(folder, settings.Texts),
            };
            settings.Check(file);
            return settings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new ServerException($"The kiosk's file {file} cannot be used: {e.Message}", e);
        }
    }

    private void Check(string file)
    {
        if (Languages.Count == 0 || Languages.Any(language => !s_languages.Contains(language)))
            throw new ServerException($"{file}: 'languages' must be some of {string.Join(", ", s_languages)}.");
        if (IdleSeconds is < 0 or > 86400) throw new ServerException($"{file}: 'idleSeconds' must be between 0 and 86400.");
        if (Passages is < 1 or > 20) throw new ServerException($"{file}: 'passages' must be between 1 and 20.");
        if (Logo is not null && !File.Exists(Logo)) throw new ServerException($"{file}: there is no logo {Logo}.");
        if (Texts is not null && !Directory.Exists(Texts)) throw new ServerException($"{file}: there is no folder {Texts}.");
    }

    private static readonly string[] s_languages = ["en", "de", "fr", "es", "it"];
}

/// <summary>What the page may know of the settings.</summary>
internal sealed record KioskPage(
    string Name, IReadOnlyList<string> Languages, IReadOnlyDictionary<string, string> Greeting,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Suggestions,
    IReadOnlyDictionary<string, string> Colors, bool Logo, int IdleSeconds, string Model);

/// <summary>JSON of the kiosk, without reflection. A name that is no setting is an error, and so is null for one that needs a value.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(KioskSettings))]
[JsonSerializable(typeof(KioskPage))]
internal sealed partial class KioskJson : JsonSerializerContext;
