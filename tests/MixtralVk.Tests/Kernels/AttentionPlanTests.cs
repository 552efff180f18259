using System.Text.Json.Nodes;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Kernels;

/// <summary>Which form of attention runs where: pure functions of recorded device descriptions.</summary>
public sealed class AttentionPlanTests
{
    [Theory]
    [InlineData("amd-radeon-680m")]
    [InlineData("amd-rx-580-small-bar")]
    [InlineData("intel-arc-a770")]
    [InlineData("nvidia-rtx-3060")]
    public void Gpus_run_the_wide_form(string device) => Assert.Equal(AttentionForm.Wide, AttentionPlan.FormOn(Describe(device), 128));

    [Theory]
    [InlineData("lavapipe")]
    [InlineData("swiftshader")]
    public void Software_drivers_run_the_narrow_form_where_heads_and_pools_are_whole_texels(string device)
    {
        DeviceDescription description = Describe(device), least = description with { Limits = description.Limits.ClampTo(DeviceLimits.SpecificationMinimum) };
        Assert.Equal(AttentionForm.Narrow, AttentionPlan.FormOn(description, 128));
        Assert.Equal(AttentionForm.Wide, AttentionPlan.FormOn(description, 6));
        Assert.Equal(AttentionForm.Wide, AttentionPlan.FormOn(least, 128));
    }

    private static DeviceDescription Describe(string device) => DeviceDescription.FromJson(
        JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "MixtralVk.Gpu.Tests", "Devices", device + ".json")))!["description"]!.ToJsonString());
}
