using System.Text.Json.Nodes;
using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests.Devices;

/// <summary>A device description from this folder and how it was obtained.</summary>
internal sealed record RecordedDevice(string Source, DeviceDescription Description)
{
    public static IEnumerable<string> Names { get; } =
        Directory.GetFiles(Folder, "*.json").Select(Path.GetFileNameWithoutExtension).Order().ToArray()!;

    private static string Folder => Path.Combine(Repository.Root, "tests", "MixtralVk.Gpu.Tests", "Devices");

    /// <summary>The description in the file of that name.</summary>
    public static DeviceDescription Describe(string name) => Read(name).Description;

    public static RecordedDevice Read(string name)
    {
        JsonNode file = ReadJson(name);
        return new((string)file["source"]!, DeviceDescription.FromJson(file["description"]!.ToJsonString()));
    }

    public static JsonNode ReadJson(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")))!;
}
