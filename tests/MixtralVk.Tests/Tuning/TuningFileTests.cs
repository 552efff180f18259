using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Tuning;

namespace MixtralVk.Tests.Tuning;

public sealed class TuningFileTests : IDisposable
{
    private static readonly ProductShape s_shape = new(ProductKind.Down, WeightFormat.Q4_K, 1024, 3584);
    private static readonly DeviceDescription s_device = SoftwareDevice.Description;

    private readonly string _folder = Directory.CreateTempSubdirectory("mixtralvk-tuning").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void WhatIsStoredIsReadBack()
    {
        TuningFile file = NewFile();
        Assert.Null(file.Read());
        ProductChoices choices = Measured();
        file.Write(choices);
        Assert.Equal(choices.Measured.ToHashSet(), file.Read()!.Measured.ToHashSet());
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("Kernels", "\"kernels\": \"", "\"kernels\": \"00")]
    [InlineData("not JSON", "{", "[")]
    [InlineData("a class missing", "\"tokens\": \"Chunk\"", "\"tokens\": \"Batch\"")]
    [InlineData("what no device can run", "\"rowsPerLane\": ", "\"rowsPerLane\": 7")]
    [InlineData("a format there is none of", "\"format\": \"Q4_K\"", "\"format\": 999")]
    [InlineData("a kind there is none of", "\"kind\": \"Down\"", "\"kind\": 9")]
    [InlineData("a fetch there is none of", "\"weightFetch\": ", "\"weightFetch\": 9, \"x\": ")]
    [InlineData("accumulators whose number overflows", "\"tokensPerPass\": 1,", "\"tokensPerPass\": 2147483648,")]
    [InlineData("null", "\"choices\": [", "\"choices\": null, \"x\": [")]
    public void AFileThatDoesNotFitCountsAsNone(string why, string text, string instead)
    {
        TuningFile file = NewFile();
        file.Write(Measured());
        string json = File.ReadAllText(file.FilePath);
        Assert.Contains(text, json, StringComparison.Ordinal);
        File.WriteAllText(file.FilePath, json.Replace(text, instead, StringComparison.Ordinal));
        Assert.True(file.Read() is null, why);
    }

    private TuningFile NewFile() => new(_folder, s_device, VulkanForwardPass.Shaders);

    private static ProductChoices Measured()
    {
        ProductChoices shipped = ProductChoices.Shipped(s_device);
        return shipped.With(s_shape,
            TokenClasses.All.ToDictionary(tokens => tokens, tokens => shipped.For(s_shape, tokens) with { Lanes = 32 }));
    }
}
