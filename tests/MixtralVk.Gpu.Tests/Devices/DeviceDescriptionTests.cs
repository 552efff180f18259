using System.Text.Json.Nodes;

namespace MixtralVk.Gpu.Tests.Devices;

public sealed class DeviceDescriptionTests
{
    public static TheoryData<string> Devices => [.. RecordedDevice.Names];

    [Theory, MemberData(nameof(Devices))]
    public void Recorded_descriptions_come_back_from_JSON_as_they_were(string name)
    {
        JsonNode recorded = RecordedDevice.ReadJson(name)["description"]!;
        JsonNode written = JsonNode.Parse(RecordedDevice.Describe(name).ToJson())!;
        Assert.True(JsonNode.DeepEquals(recorded, written), $"{name} became {written}");
    }

    [Theory, MemberData(nameof(Devices))]
    public void Recorded_descriptions_say_how_they_were_obtained(string name)
    {
        RecordedDevice device = RecordedDevice.Read(name);
        bool zeroUuid = device.Description.DeviceUuid.All(c => c == '0');
        Assert.StartsWith(zeroUuid ? "Composed from public knowledge" : "Recorded: ", device.Source, StringComparison.Ordinal);
        Assert.Equal(zeroUuid, device.Source.Contains("NOT recorded on this hardware", StringComparison.Ordinal));
    }

    [Fact]
    public void Descriptions_of_the_devices_here_survive_JSON()
    {
        using GpuInstance instance = GpuInstance.Create();
        Assert.NotEmpty(instance.Adapters);
        foreach (DeviceDescription device in instance.Adapters.Select(a => a.Description))
        {
            Assert.Equal(device.ToJson(), DeviceDescription.FromJson(device.ToJson()).ToJson());
            Assert.All(device.MemoryTypes, type => Assert.InRange(type.Heap, 0, device.MemoryHeaps.Count - 1));
            Assert.Matches("^[0-9a-f]{32}$", device.DeviceUuid);
        }
    }
}
