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

    [Fact]
    public void Lavapipe_runs_the_narrow_form_where_heads_are_whole_texels()
    {
        Assert.Equal(AttentionForm.Narrow, AttentionPlan.FormOn(Describe("lavapipe"), 128));
        Assert.Equal(AttentionForm.Wide, AttentionPlan.FormOn(Describe("lavapipe"), 6));
    }

    [Fact]
    public void Software_drivers_that_cannot_bind_a_pool_as_texels_run_the_wide_form()
    {
        DeviceDescription lavapipe = Describe("lavapipe");
        Assert.Equal(AttentionForm.Wide, AttentionPlan.FormOn(Describe("swiftshader"), 128));
        Assert.Equal(AttentionForm.Wide,
            AttentionPlan.FormOn(lavapipe with { Limits = lavapipe.Limits.ClampTo(DeviceLimits.SpecificationMinimum) }, 128));
    }

    private static DeviceDescription Describe(string device) => DeviceDescription.FromJson(
        JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "MixtralVk.Gpu.Tests", "Devices",
        device + ".json")))!["description"]!.ToJsonString());
}
