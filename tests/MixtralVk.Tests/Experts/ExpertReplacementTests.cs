using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Loading;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Experts;

/// <summary>Experts that move between main memory and the device while a model runs.</summary>
[Collection(VulkanCollection.Name)]
public sealed class ExpertReplacementTests
{
    private static readonly string[] s_english =
        ["Who are you, and where do you live?", "I sell bread and cakes at the market in Oakvale.", "The mill stands by the river."];
    private static readonly string[] s_numbers = ["17 + 25 = 42", "{\"say\": \"Three silver.\", \"action\": \"give\"}", "12 34 56 78 90"];

    /// <summary>
    /// What the router of a real model chooses on other texts changes who is on the device, so that more choices hit; pinned experts stay.
    /// </summary>
    [Fact]
    public void Residents_follow_what_is_used_and_pinned_ones_stay()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        var tokenizer = new Tokenizer(source.Vocabulary);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { Validation = false });
        ExpertId pinned = new(1, 0);
        using VulkanForwardPass pass = Load(source, gpu, 25, pinned: pinned);
        foreach (string[] texts in (string[][])[s_english, s_numbers, s_english])
        {
            double before = HitRate(pass, tokenizer, texts);
            for (int round = 0; round < 15; round++)
            {
                HitRate(pass, tokenizer, texts);
                while (pass.RearrangementMilliseconds is not null) pass.Rearrange();
            }
            double after = HitRate(pass, tokenizer, texts);
            Assert.True(after > before + 0.02, $"{before:P1} of the choices hit before, {after:P1} after");
            Assert.True(pass.IsOnDevice(pinned));
        }
        IReadOnlyList<LayerActivity> layers = pass.ExpertActivity;
        long expertBytes = source.Describe().ExpertBytes / (layers.Count * source.Config.ExpertCount);
        Assert.All(layers, layer => Assert.Equal((layer.Replacements + layer.Guests) * expertBytes, layer.UploadedBytes));
        Assert.True(layers.Sum(layer => layer.Replacements) > 4, $"{layers.Sum(layer => layer.Replacements)} replacements");
    }

    /// <summary>
    /// In the middle of a move and after each one the logits are the reference's, also where experts of a layer differ in format.
    /// </summary>
    [Theory]
    [InlineData(WeightFormat.F32)]
    [InlineData(WeightFormat.Q4_0)]
    [InlineData(null)] // both in a layer
    public void Logits_are_the_reference_s_wherever_experts_have_moved(WeightFormat? format)
    {
        using TemporaryFile file = format is { } one ? new SyntheticModel { Weights = one, Layers = 2, Hidden = 544,
            Dim = 160 }.WriteTemporary() : FileAgesTests.ExpertsOfTwoFormats();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 30);
        int[] tokens = expected.Tokens;
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = Load(source, gpu, 50);
        var random = new Random(2);
        for (int round = 0; round < 24; round++)
        {
            int token = random.Next(source.Config.VocabSize);
            TestDevices.AllLogits(pass, [.. Enumerable.Repeat(token, 60)]); // whatever this token's experts are
            for (int piece = random.Next(4); piece > 0 && pass.RearrangementMilliseconds is not null; piece--) pass.Rearrange();
            if (round % 4 == 0) expected.Check(TestDevices.AllLogits(pass, tokens));
        }
        Assert.True(pass.ExpertActivity.Sum(layer => layer.Replacements) > (format is null ? 0 : 3));
    }

    [Fact]
    public void Where_experts_are_fixed_none_moves()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders);
        using VulkanForwardPass pass = SplitExpertsTests.Load(source, gpu, 25);
        TestDevices.AllLogits(pass, [.. Enumerable.Repeat(1, 60)]);
        Assert.Null(pass.RearrangementMilliseconds);
    }

    /// <summary>
    /// An upload that fails leaves the expert that was to go where it is, and the model as exact as before; later it is tried again.
    /// </summary>
    [Fact]
    public void A_failed_upload_leaves_the_old_expert_in_its_slot()
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        using TestGpu gpu = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { ReplaceCommand = VulkanFaults.Begin() });
        using VulkanForwardPass pass = Load(source, gpu, 50);
        int[] tokens = TestDevices.RandomTokens(30, source.Config.VocabSize);
        float[] expected = TestDevices.AllLogits(pass, tokens);
        ExpertId[] before = Residents(pass);
        while (pass.RearrangementMilliseconds is null) TestDevices.AllLogits(pass, [.. Enumerable.Repeat(before.Length + 7, 60)]);
        VulkanFaults.RefusedSubmissions = 1;
        while (pass.ExpertFailures == 0) pass.Rearrange();
        Assert.Null(pass.RearrangementMilliseconds);
        Assert.Equal(before, Residents(pass));
        Assert.Equal(expected, TestDevices.AllLogits(pass, tokens));
        Assert.Equal(0, pass.ExpertActivity.Sum(layer => layer.Replacements));
    }

    /// <summary>
    /// A host's lock throws at each piece once, and at the copy into the slot, before it has submitted it or after: whichever experts have
    /// come by then, each is whole.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_host_s_lock_throws_leaves_no_expert_in_pieces(bool submits)
    {
        using TemporaryFile file = new SyntheticModel { Weights = WeightFormat.Q4_0 }.WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var expected = new ExpectedLogits(file.Path, 30);
        using TestGpu host = TestGpu.Open(VulkanForwardPass.Shaders, with: o => o with { StagesUploads = true });
        bool throws = false;
        using GpuDevice device = GpuDevice.Wrap(host.Lend() with { SubmitLock = submit =>
        {
            if (submits || !throws) submit();
            if (throws) throw new InvalidDataException("the host's");
        } }, VulkanForwardPass.Shaders, new GpuOptions { StagesUploads = true, Replay = host.Replay });
        using VulkanForwardPass pass = VulkanForwardPass.Load(source, device, null, 64, 64, KvFormat.F32, 8, 0,
            SplitExpertsTests.Settings(source, 50, CpuArithmetic.Float32) with
            {
                Moves = true, InvitesGuest = _ => false, TakesHits = (_, _) => 0,
            }, null, null, default);
        while (pass.RearrangementMilliseconds is null) TestDevices.AllLogits(pass, [.. Enumerable.Repeat(15, 60)]);
        while (pass.RearrangementMilliseconds is not null)
        {
            throws = true;
            Assert.Throws<InvalidDataException>(pass.Rearrange);
            throws = false;
            expected.Check(TestDevices.AllLogits(pass, expected.Tokens));
            if (pass.RearrangementMilliseconds is not null) pass.Rearrange();
            expected.Check(TestDevices.AllLogits(pass, expected.Tokens));
        }
        Assert.True(pass.ExpertActivity.Sum(layer => layer.Replacements) > 0);
    }

    private static ExpertId[] Residents(VulkanForwardPass pass) =>
        [.. Enumerable.Range(0, pass.Config.LayerCount).SelectMany(layer =>
            Enumerable.Range(0, pass.Config.ExpertCount).Select(expert => new ExpertId(layer, expert))).Where(pass.IsOnDevice)];

    private static double HitRate(VulkanForwardPass pass, Tokenizer tokenizer, string[] texts)
    {
        long hits = pass.ExpertActivity.Sum(l => l.Hits), misses = pass.ExpertActivity.Sum(l => l.Misses);
        foreach (string text in texts) TestDevices.AllLogits(pass, tokenizer.Encode(text));
        hits = pass.ExpertActivity.Sum(l => l.Hits) - hits;
        return (double)hits / (hits + pass.ExpertActivity.Sum(l => l.Misses) - misses);
    }

    /// <summary>
    /// Without guests and with each hit the device's: both go by measured times, a guest takes the place of an expert on its way, and who
    /// computes an expert decides how it is rounded.
    /// </summary>
    private static VulkanForwardPass Load(ModelSource source, TestGpu gpu, int percent, params ExpertId[] pinned) =>
        SplitExpertsTests.Load(source, gpu, SplitExpertsTests.Settings(source, percent, CpuArithmetic.Float32) with
        {
            Moves = true, Pinned = pinned, InvitesGuest = _ => false, TakesHits = (_, _) => 0,
        });
}
