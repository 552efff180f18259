using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Packing;

/// <summary>Weights that the device reads where the file is mapped, and the same uploaded where the driver will not.</summary>
[Collection(VulkanCollection.Name)]
public sealed class VulkanImportTests
{
    private static readonly SyntheticModel _model = new()
        { Dim = 256, Hidden = 256, Weights = WeightFormat.Q4_0, DownFormat = WeightFormat.Q8_0, Experts = 4, Vocab = 300 };

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(0)]     // refused at once
    [InlineData(9)]     // refused inside an expert
    public void Logits_are_the_same_bits_whatever_the_driver_imports(int failFrom)
    {
        using TemporaryFile gguf = _model.WriteTemporary(), packed = new(".mvk");
        using (ModelSource source = ModelSource.Open(gguf.Path)) ModelPacker.Pack(source, packed.Path);
        int[] tokens = TestDevices.RandomTokens(20, _model.Vocab);
        float[] expected;
        using (ForwardPass uploaded = TestDevices.Open("vulkan", gguf.Path, context: 64, maxBatchTokens: 32))
            expected = TestDevices.AllLogits(uploaded, tokens);

        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { FailImportsFrom = failFrom });
        VulkanForwardPass pass;
        long tileBytes;
        using (ModelSource source = ModelSource.Open(packed.Path))
        {
            tileBytes = source.Describe().TileBytes;
            pass = VulkanForwardPass.Load(source, gpu.Device, source.Map(), 64, 32, KvFormat.F32, 8, 0, null, null, null, default);
        }
        using (pass)
        {
            Assert.Equal(expected, TestDevices.AllLogits(pass, tokens));
            if (failFrom == int.MaxValue) Assert.Equal(tileBytes, pass.Transfer.InPlaceBytes);
            else Assert.InRange(pass.Transfer.InPlaceBytes, failFrom == 0 ? 0 : 1, failFrom == 0 ? 0 : tileBytes - 1);
            Assert.True(pass.Transfer.BytesPerSecond > 0);
        }
    }
}
