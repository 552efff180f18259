using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Tests.Experts;

[Collection(VulkanCollection.Name)]
public sealed class ExpertProfileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mixtralvk-profile").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>
    /// What a run's texts used most is on the device from the first token of the next one, also with another budget; not where experts are
    /// fixed.
    /// </summary>
    [Fact]
    public void The_next_start_begins_with_the_experts_used_most()
    {
        long all;
        ModelConfig config;
        using (ModelSource source = ModelSource.Open(ShippedModel.Path)) (all, config) = (source.Describe().ExpertBytes, source.Config);
        var options = new MixtralOptions { Device = DeviceKind.Vulkan, ExpertBudgetBytes = all / 4, PipelineCacheDirectory = _folder,
            ContextLength = 256 };
        using (MixtralModel first = MixtralModel.Load(ShippedModel.Path, options))
        {
            Assert.All(Residents(first), id => Assert.True(id.Expert < 2));
            using Session session = first.StartSession();
            session.Prefill(first.Tokenizer.Encode(
                "{\"say\": \"Three silver.\", \"action\": \"give\", \"target\": \"player\"} 12 34 56 78 90"));
        }
        ExpertUse use = new ExpertProfile(_folder, ShippedModel.Path, config).Read()!;
        foreach (int perLayer in (int[])[2, 4])
        {
            ExpertId[] expected = [.. Enumerable.Range(0, config.LayerCount).SelectMany(layer =>
                Enumerable.Range(0, 8).OrderByDescending(e => use[layer, e]).Take(perLayer).Order().Select(e => new ExpertId(layer, e)))];
            Assert.Contains(expected, id => id.Expert >= perLayer);
            using MixtralModel next = MixtralModel.Load(ShippedModel.Path, options with { ExpertBudgetBytes = all * perLayer / 8 });
            Assert.Equal(expected, Residents(next));
        }
        using MixtralModel fixedPlaces = MixtralModel.Load(ShippedModel.Path, options with { ExpertPlacement = ExpertPlacement.Fixed });
        Assert.All(Residents(fixedPlaces), id => Assert.True(id.Expert < 2));
    }

    [Theory]
    [InlineData("[[")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"model\":\"\",\"use\":[[1,2,3,4]]}")]
    [InlineData("{\"model\":\"\",\"use\":[[1,2,3],[1,2,3]]}")]
    [InlineData("{\"model\":\"\",\"use\":[[1,2,3,4],null]}")]
    [InlineData("{\"model\":\"\",\"use\":[[1,2,3,4],[1,2,3,-4]]}")]
    [InlineData("{\"model\":\"\",\"use\":[[1,2,3,4],[1,2,3,1e999]]}")]
    public void A_file_that_does_not_fit_counts_as_none(string json)
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        var profile = new ExpertProfile(_folder, ShippedModel.Path, source.Config with { LayerCount = 2, ExpertCount = 4 });
        Assert.Null(profile.Read());
        var use = new ExpertUse(2, 4);
        use.Chosen(1, [0, 2, 2], 2);
        profile.Write(use.Counts);
        Assert.Equal(use.Counts, profile.Read()!.Counts);
        File.WriteAllText(profile.FilePath, json);
        Assert.Null(profile.Read());
    }

    /// <summary>What was used is on the disk before the end: a process may be killed.</summary>
    [Fact]
    public void Use_is_kept_now_and_then_and_at_the_end_but_not_where_there_was_none()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        ModelConfig config = source.Config;
        var profile = new ExpertProfile(_folder, ShippedModel.Path, config);
        var use = new ExpertUse(config.LayerCount, config.ExpertCount);
        using (new ExpertProfileSaving(profile, use, TimeSpan.FromMilliseconds(5))) Thread.Sleep(50);
        Assert.Null(profile.Read());
        using (new ExpertProfileSaving(profile, use, TimeSpan.FromMilliseconds(5)))
        {
            use.Chosen(1, [0, 2], 1);
            Assert.True(SpinWait.SpinUntil(() => profile.Read() is { } read && read.Counts.SequenceEqual(use.Counts), 20_000));
        }
        using (new ExpertProfileSaving(profile, use, TimeSpan.FromHours(1))) use.Chosen(0, [3, 4], 1);
        Assert.Equal(use.Counts, profile.Read()!.Counts);
        File.Delete(profile.FilePath);
        Directory.CreateDirectory(profile.FilePath); // nothing can be written there: the end comes all the same
        using (new ExpertProfileSaving(profile, use, TimeSpan.FromHours(1))) use.Chosen(0, [3, 4], 1);
    }

    private static ExpertId[] Residents(MixtralModel model) =>
        [.. Enumerable.Range(0, model.Config.LayerCount).SelectMany(layer => Enumerable.Range(0, model.Config.ExpertCount)
            .Select(expert => new ExpertId(layer, expert))).Where(((VulkanForwardPass)model.ForwardPass).IsOnDevice)];
}
