namespace MixtralVk.Tests;

/// <summary>Priority of the engine's threads, as Linux has it.</summary>
[Collection(VulkanCollection.Name)]
public sealed class ThreadPlacementTests
{
    [Theory]
    [InlineData(DeviceKind.Cpu, 3)]    // the model's thread and two that work with it
    [InlineData(DeviceKind.Vulkan, 2)] // the model's thread and what a driver has that computes on the processor
    public void All_threads_the_engine_starts_have_the_priority_asked_for(DeviceKind device, int atLeast)
    {
        if (!OperatingSystem.IsLinux()) return; // elsewhere threads inherit nothing
        HashSet<string> before = LowestThreads();
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, new MixtralOptions
        {
            Device = device, CpuThreads = 3, ContextLength = 64, ThreadPlacement = new ThreadPlacement(ThreadPriority.Lowest),
        });
        using Session session = model.StartSession();
        session.Prefill([1, 300, 301]);
        // A thread sets its priority when it begins, and may not have had its turn yet.
        Assert.True(SpinWait.SpinUntil(() => LowestThreads().Except(before).Count() >= atLeast, 20_000),
            $"{LowestThreads().Except(before).Count()} threads");
        Assert.NotEqual(19, NiceOf("thread-self"));
    }

    [Fact]
    public void In_a_game_the_game_comes_first()
    {
        Assert.Equal(new ThreadPlacement(ThreadPriority.BelowNormal), new MixtralOptions { Pacing = Pacing.PerFrame }.PlacementOfThreads);
        Assert.Equal(new ThreadPlacement(), new MixtralOptions().PlacementOfThreads);
    }

    [Fact]
    public void What_a_placed_call_throws_comes_to_the_caller() =>
        Assert.Throws<InvalidOperationException>(() =>
            new ThreadPlacement(ThreadPriority.BelowNormal).Call<int>(() => throw new InvalidOperationException()));

    /// <summary>But for those that write Mesa's cache, which it makes the lowest itself.</summary>
    private static HashSet<string> LowestThreads() => [.. Directory.EnumerateDirectories("/proc/self/task").Where(task =>
    {
        try
        {
            return !File.ReadAllText(Path.Combine(task, "comm")).Contains("disk$", StringComparison.Ordinal)
                && NiceOf(Path.Combine("self", "task", Path.GetFileName(task))) == 19;
        }
        catch (IOException)
        {
            return false; // it has ended meanwhile
        }
    })];

    private static int NiceOf(string task)
    {
        string stat = File.ReadAllText(Path.Combine("/proc", task, "stat"));
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], System.Globalization.CultureInfo.InvariantCulture);
    }
}
