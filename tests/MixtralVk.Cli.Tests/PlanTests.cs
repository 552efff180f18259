using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class PlanTests
{
    [Fact]
    public async Task TellsPlaceMemorySpeedAndLimit()
    {
        Outcome outcome = await CommandLine.Run("plan", CommandLine.ShippedModel, "--vram", "500KiB");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.Matches("place +main memory", outcome.Out);
        Assert.Matches("experts +[0-9]+ of 32 fit video memory", outcome.Out);
        Assert.Matches(@"tokens/s +at most \d", outcome.Out);
        Assert.Matches("limit +The speed of main memory.*video memory", outcome.Out);
    }

    /// <summary>As in a container with many processors and little memory: measuring them must not take more than there is.</summary>
    [Fact]
    public async Task LittleMemoryIsEnoughToMeasureIt()
    {
        Outcome outcome = await CommandLine.Run("", ["plan", CommandLine.ShippedModel, "--vram", "0"], ("DOTNET_GCHeapHardLimit", "0x3C00000"));
        Assert.Equal("", outcome.Error);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches("place +main memory", outcome.Out);
    }

    [Fact]
    public async Task RealFiguresStandBeside()
    {
        Outcome outcome = await CommandLine.Run("plan", CommandLine.ShippedModel, "--vram", "0", "--context", "64", "--run", "--json");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement plan = json.RootElement.GetProperty("plan"), real = json.RootElement.GetProperty("real");
        Assert.Equal("MainMemory", plan.GetProperty("place").GetString());
        Assert.Equal(64, plan.GetProperty("contextLength").GetInt32());
        Assert.Equal(plan.GetProperty("kvCacheBytes").GetInt64(), real.GetProperty("kvCacheBytes").GetInt64());
        Assert.Equal(plan.GetProperty("expertBytes").GetInt64() + plan.GetProperty("otherWeightBytes").GetInt64(),
            real.GetProperty("weightBytes").GetInt64());
        Assert.True(real.GetProperty("tokensPerSecond").GetDouble() > 0);
    }

    /// <summary>A GPU with room for some experts: what a split would give, and with --run what it really gives.</summary>
    [Fact]
    public async Task ExpertsOnBothSidesArePlannedAndRun()
    {
        Outcome outcome = await CommandLine.Run(
            "plan", CommandLine.ShippedModel, "--device", "vulkan", "--experts-on-gpu", "25%", "--context", "512", "--run", "--json");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement plan = json.RootElement.GetProperty("plan"), real = json.RootElement.GetProperty("real");
        Assert.Equal("GpuAndMainMemory", plan.GetProperty("place").GetString());
        const int experts = 8;
        Assert.Equal(experts, plan.GetProperty("residentExperts").GetInt32());
        Assert.Equal(experts, real.GetProperty("residentExperts").GetInt32());
        Assert.Equal(plan.GetProperty("residentBytes").GetInt64() + plan.GetProperty("otherWeightBytes").GetInt64(),
            real.GetProperty("weightBytes").GetInt64());
        Assert.True(plan.GetProperty("tokensPerSecond").GetDouble() > 0 && real.GetProperty("tokensPerSecond").GetDouble() > 0);
        Assert.Contains($"video memory holds {experts} of 32 experts", plan.GetProperty("limit").GetString());
    }

    [Fact]
    public async Task WhatFitsNowhereIsSaidAndNotAnError()
    {
        Outcome outcome = await CommandLine.Run("plan", CommandLine.ShippedModel, "--vram", "0", "--ram", "1.5MiB");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches("place +none", outcome.Out);
        Assert.Contains("mixtralvk pack", outcome.Out);
    }

    [Fact]
    public async Task AllInVideoMemoryHasASpeedWhereAGpuWasMeasured()
    {
        Outcome software = await CommandLine.Run("plan", CommandLine.ShippedModel, "--vram", "6GiB", "--device", "vulkan");
        Assert.Matches("place +the GPU\n", software.Out);
        Assert.Matches(@"tokens/s +at most \d", software.Out);
        Assert.Matches("MiB more for intermediate results", software.Out);
        Assert.Matches(@"tokens/s +(at most \d|not known, as no GPU was measured)",
            (await CommandLine.Run("plan", CommandLine.ShippedModel, "--vram", "6GiB")).Out);
    }

    [Theory]
    [InlineData("--vram", "6GiB")]
    [InlineData("--experts-on-gpu", "25%")]
    public async Task MemoryOfAGpuWithoutOneIsRefused(string option, string value)
    {
        Outcome outcome = await CommandLine.Run("plan", CommandLine.ShippedModel, "--device", "cpu", option, value);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("memory of a GPU", outcome.Error);
    }

    [Theory]
    [InlineData("--vram", "6GB")]
    [InlineData("--vram", "-1")]
    [InlineData("--vram", "6")]
    [InlineData("--experts-on-gpu", "25")]
    [InlineData("--ram", "99999999999GiB")]
    [InlineData("--ram", "NaN")]
    public async Task AWrongSizeIsAUsageError(string option, string value) =>
        CommandLine.AssertUsageError(await CommandLine.Run("plan", CommandLine.ShippedModel, option, value), value);
}
