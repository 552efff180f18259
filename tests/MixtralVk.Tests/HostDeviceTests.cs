using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace MixtralVk.Tests;

/// <summary>A model on the device of the program around it.</summary>
[Collection(VulkanCollection.Name)]
public sealed class HostDeviceTests
{
    private const string Prompt = "Hello, who";

    [Fact]
    public void A_lent_device_says_what_a_device_of_the_model_s_own_says_and_stays_the_host_s()
    {
        using TestGpu host = TestGpu.Open(VulkanForwardPass.Shaders);
        int submissions = 0;
        var options = new MixtralOptions { ContextLength = 128,
            HostDevice = host.Lend() with { SubmitLock = submit => { submissions++; submit(); } } };
        string lent = Text(options, out string device);
        Assert.Contains("the program's own device", device, StringComparison.Ordinal);
        Assert.True(submissions > 8);
        Assert.Equal(Text(new MixtralOptions { ContextLength = 128, Device = DeviceKind.Vulkan,
            AdapterName = host.Adapter.Description.Name }, out _), lent);
        using GpuBuffer still = host.Device.CreateBuffer(16, BufferUse.Device, "the host goes on");
    }

    /// <summary>Before or after the submission it was to make: who waits is told, and the next text is right.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_the_host_s_lock_throws_ends_the_texts_of_the_step_alone(bool submits)
    {
        using TestGpu host = TestGpu.Open(VulkanForwardPass.Shaders);
        int left = int.MaxValue;
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, new MixtralOptions { ContextLength = 128, ChunkTokens = 4,
            HostDevice = host.Lend() with { SubmitLock = submit =>
            {
                bool throws = left-- == 0;
                if (submits || !throws) submit();
                if (throws) throw new InvalidDataException("the host's");
            } } });
        string expected = Text(model);
        for (int before = 0; before < 4; before++)
        {
            left = before;
            Assert.Throws<InvalidDataException>(() => Text(model));
            Assert.Equal(expected, Text(model));
        }
    }

    [Fact]
    public void A_lent_device_leaves_nothing_to_choose()
    {
        using TestGpu host = TestGpu.Open(VulkanForwardPass.Shaders);
        MixtralOptions options = new() { HostDevice = host.Lend() };
        Assert.Throws<ArgumentException>((options with { Device = DeviceKind.Cpu }).Validate);
        Assert.Throws<ArgumentException>((options with { AdapterIndex = 0 }).Validate);
        MixtralOptions lacking = options with { HostDevice = options.HostDevice with { EnabledFeatures = [] } };
        Assert.Contains(
            "timelineSemaphore", Assert.Throws<GpuUnsupportedException>(() => MixtralModel.Load(ShippedModel.Path, lacking)).Missing);
    }

    private static string Text(MixtralOptions options, out string device)
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, options);
        device = model.Device.Description;
        return Text(model);
    }

    private static string Text(MixtralModel model)
    {
        using Session session = model.StartSession();
        return string.Concat(session.Generate(model.Tokenizer.Encode(Prompt), new GenerationOptions { Temperature = 0, MaxTokens = 8 })
            .Select(token => token.Text));
    }
}
