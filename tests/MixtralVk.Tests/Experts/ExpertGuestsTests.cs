using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Loading;
using MixtralVk.Tests.Model;

namespace MixtralVk.Tests.Experts;

/// <summary>Experts that come to the device for one step of a prompt.</summary>
[Collection(VulkanCollection.Name)]
public sealed class ExpertGuestsTests
{
    public static TheoryData<string> Shapes => ["f32, odd lengths", "q8_0, 4 experts, top-3, one KV head", "q4_0, 16 experts, top-1",
        "gate and up of different formats", "experts of two formats"];

    /// <summary>
    /// With all of those that have no slot as guests, or only those of many rows, the logits are the reference's, and so are those of the
    /// tokens that follow one by one.
    /// </summary>
    [Theory, MemberData(nameof(Shapes))]
    public void Logits_are_the_reference_s_with_guests_and_after_them(string shape)
    {
        using TemporaryFile file = shape == "experts of two formats"
            ? FileAgesTests.ExpertsOfTwoFormats() : TestShapes.All[shape].WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 45);
        int[] tokens = expected.Tokens;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        foreach ((int percent, int leastRows) in ((int, int)[])[(25, 1), (50, 1), (50, 8)])
        {
            using VulkanForwardPass pass = Load(source, gpu, percent, rows => rows >= leastRows);
            Check(45);
            long guests = pass.ExpertActivity.Sum(layer => layer.Guests);
            Assert.True(guests > 0);
            Check(1);
            Check(16);
            Assert.Equal(guests, pass.ExpertActivity.Sum(layer => layer.Guests)); // short steps have none
            Check(20);
            // Nobody is left for the processor.
            if (leastRows == 1 && shape != "experts of two formats") Assert.Equal(0, CpuMillisecondsOf(pass, tokens));

            void Check(int chunk) => expected.Check(TestDevices.AllLogits(pass, tokens, chunk));
        }
    }

    /// <summary>
    /// Uploads through staging, as on a card, of which one fails: the processor computes that expert and, for some time, those that follow.
    /// </summary>
    [Fact]
    public void An_upload_that_fails_leaves_its_rows_to_the_processor()
    {
        using TemporaryFile file = new SyntheticModel { Layers = 3 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 45);
        int[] tokens = expected.Tokens;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders,
            with: o => o with { Validation = false, StagesUploads = true, ReplaceCommand = VulkanFaults.Begin() });
        int fails = int.MaxValue;
        using VulkanForwardPass pass = Load(source, gpu, 50, _ =>
        {
            if (fails-- == 0) VulkanFaults.RefusedSubmissions = 1;
            return true;
        });
        long all = Check();
        Assert.True(all > 6);
        fails = 5;
        Assert.Equal(5, Check());
        Assert.Equal(1, pass.ExpertFailures);
        Assert.Equal(0, Check());

        long Check()
        {
            long before = pass.ExpertActivity.Sum(layer => layer.Guests);
            expected.Check(TestDevices.AllLogits(pass, tokens));
            return pass.ExpertActivity.Sum(layer => layer.Guests) - before;
        }
    }

    [Fact]
    public void In_a_frame_no_guest_comes_and_where_experts_are_fixed_none_either()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass paced = Load(source, gpu, 50, _ => true), stays = SplitExpertsTests.Load(source, gpu,
            SplitExpertsTests.Settings(source, 50, CpuArithmetic.Float32) with { InvitesGuest = _ => true });
        paced.UseDeviceClock();
        foreach (VulkanForwardPass pass in (VulkanForwardPass[])[paced, stays])
        {
            TestDevices.AllLogits(pass, TestDevices.RandomTokens(40, source.Config.VocabSize));
            Assert.Equal(0, pass.ExpertActivity.Sum(layer => layer.Guests));
            Assert.True(pass.ExpertActivity.Sum(layer => layer.Misses) > 0);
        }
    }

    [Fact]
    public void Removing_any_barrier_leaves_a_hazard()
    {
        using TemporaryFile file = new SyntheticModel { Experts = 4 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = Load(source, gpu, 50, _ => true);
        VulkanForwardPassTests.AssertBarriersAreNeeded(pass, 20, 20);
    }

    /// <summary>Uploading 8, a row 0.1 on the device and 0.5 on the processor, but for one case.</summary>
    [Theory]
    [InlineData(19, 100, 0, false)]     // 9.9 for 9.5
    [InlineData(21, 100, 0, true)]      // 10.1 for 10.5
    [InlineData(40, 40, 0, true)]       // 12 for 20
    [InlineData(40, 40, 100, false)]    // of which only 10 are waited for: the device takes as long itself
    [InlineData(40, 100, 100, true)]    // 12 for 20: the processor takes 40 longer
    public void A_guest_comes_where_that_takes_less_time_than_it_saves(int rows, int missRows, int hitRows, bool isWorth)
    {
        var costs = new GuestCosts(8, 0.1, 0.5);
        Assert.Equal(isWorth, costs.IsWorth(rows, missRows, hitRows));
        Assert.False((costs with { CpuRow = double.NaN }).IsWorth(rows, missRows, hitRows));
        Assert.True((costs with { Upload = double.NaN, GpuRow = double.NaN }).IsWorth(rows, missRows, hitRows)); // one finds out
    }

    /// <summary>The first one came from a disk: those that would be worth it are not left to the processor for good.</summary>
    [Fact]
    public void One_slow_upload_does_not_keep_guests_away_for_good()
    {
        var times = new GuestTimes();
        times.LearnCpu(50, 100);
        times.LearnGpu(10, 100);
        times.LearnUpload(500, 1000); // a guest saves 16 at the most
        Assert.DoesNotContain(true, Asked(60));
        Assert.True(IsWorth());
        times.LearnUpload(8, 1000);
        Assert.DoesNotContain(false, Asked(100));
        times.LearnUpload(500, 1000);
        for (int i = 0; i < 1000; i++) Assert.False(IsWorth(hitRows: 400)); // the device has more to do as it is

        bool IsWorth(int hitRows = 0) => times.IsWorth(1000, 40, 40, hitRows);
        IEnumerable<bool> Asked(int count) => Enumerable.Range(0, count).Select(_ => IsWorth());
    }

    private static double CpuMillisecondsOf(VulkanForwardPass pass, int[] tokens)
    {
        double before = pass.ExpertActivity.Sum(layer => layer.CpuMilliseconds);
        TestDevices.AllLogits(pass, tokens);
        return pass.ExpertActivity.Sum(layer => layer.CpuMilliseconds) - before;
    }

    private static VulkanForwardPass Load(ModelSource source, TestGpu gpu, int percent, Func<int, bool> invites) =>
        SplitExpertsTests.Load(source, gpu,
            SplitExpertsTests.Settings(source, percent, CpuArithmetic.Float32) with { Moves = true, InvitesGuest = invites });
}
