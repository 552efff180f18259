using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace MixtralVk.Tests;

/// <summary>
/// The driver refuses work for lack of memory: what can be done without goes first, and then whoever wants a text is told. In floats, so
/// that it does not matter who computes an expert.
/// </summary>
[Collection(VulkanCollection.Name)]
public sealed class MemoryPressureTests
{
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0, MaxTokens = 12 };

    private static readonly MixtralOptions s_options = new()
        { Device = DeviceKind.Vulkan, ContextLength = 128, ChunkTokens = 16, CpuArithmetic = CpuArithmetic.Float32 };

    private const string Mill = "The mill stands by the river, and", Smith = "I am the smith of this village, and";

    [Fact]
    public void Experts_leave_first_and_then_texts_are_refused_until_there_is_memory()
    {
        using MixtralModel model = LoadWithHalfOfExperts(out long half);
        var pass = (VulkanForwardPass)model.ForwardPass;
        string expected = Text(model, Smith), other = Text(model, Mill);
        Assert.Equal(16, pass.ResidentExperts);

        VulkanFaults.RefusedSubmissions = 2;
        Assert.Equal(other, Text(model, Mill));
        Assert.Equal(4, pass.ResidentExperts);

        VulkanFaults.RefusedSubmissions = int.MaxValue;
        using Session late = model.StartSession();
        var refused = Assert.Throws<OutOfGpuMemoryException>(() => Text(late, Mill));
        Assert.Contains("close other programs", refused.Message, StringComparison.Ordinal);
        Assert.Throws<OutOfGpuMemoryException>(() => Text(model, Mill));
        Assert.Equal(0, pass.ResidentExperts);

        VulkanFaults.Mend();
        Assert.Equal(other, Text(late, Mill));
        Assert.Equal(expected, Text(model, Smith));
        Assert.Equal(0, pass.ResidentExperts);
        model.ExpertBudgetBytes = half;
        Assert.True(SpinWait.SpinUntil(() => pass.ResidentExperts == 16, 20_000));
        Assert.Equal(expected, Text(model, Smith));
    }

    /// <summary>Slots changed, but what goes through them could not be recorded: the next step does that.</summary>
    [Fact]
    public void A_change_of_slots_whose_recording_is_refused_is_recorded_later()
    {
        using MixtralModel model = LoadWithHalfOfExperts(out long half);
        string expected = Text(model, Smith);
        VulkanFaults.RefusedRecordings = 1;
        model.ExpertBudgetBytes = half / 2;
        Assert.True(SpinWait.SpinUntil(() => VulkanFaults.RefusedRecordings == 0, 20_000));
        Assert.Equal(expected, Text(model, Smith));
        Assert.True(SpinWait.SpinUntil(() => ((VulkanForwardPass)model.ForwardPass).ResidentExperts == 8, 20_000));
        Assert.Equal(expected, Text(model, Smith));
    }

    /// <summary>Experts that come or go are not what a text waits for: only a step that finds no memory tells it.</summary>
    [Fact]
    public void A_change_of_slots_that_is_refused_ends_no_text()
    {
        using MixtralModel model = LoadWithHalfOfExperts(out long half);
        GenerationOptions options = s_greedy with { MinTokens = 60, MaxTokens = 60 };
        int[] prompt = model.Tokenizer.Encode(Smith);
        using Session session = model.StartSession(), whole = model.StartSession();
        int[] expected = [.. whole.Generate(prompt, options).Select(token => token.Id)];
        Generation generation = session.Generate(prompt, options);
        Assert.True(SpinWait.SpinUntil(() => generation.TryRead(out _), 20_000)); // the model is ahead by 32 at most
        VulkanFaults.RefusedRecordings = 1;
        model.ExpertBudgetBytes = half / 2;
        Assert.True(SpinWait.SpinUntil(() => VulkanFaults.RefusedRecordings == 0, 20_000));
        Assert.Equal(59, generation.Count());
        Assert.Equal(expected, session.Tokens[prompt.Length..].ToArray());
    }

    [Fact]
    public void A_cut_that_is_refused_ends_no_text()
    {
        using MixtralModel model = Load(s_options with { Pacing = Pacing.PerFrame });
        int[] prompt = model.Tokenizer.Encode(Smith);
        using Session session = model.StartSession();
        int[] expected = Generate(milliseconds: 100);
        VulkanFaults.RefusedRecordings = 1;
        Assert.Equal(expected, Generate(milliseconds: 0.2)); // too little for stages that are whole
        Assert.Equal(0, VulkanFaults.RefusedRecordings);

        int[] Generate(double milliseconds)
        {
            Generation generation = session.Generate(prompt, s_greedy);
            while (!generation.IsFinished)
            {
                model.Tick(new FrameBudget(milliseconds, 100));
                if (!generation.TryRead(out _)) Thread.Sleep(1);
            }
            return session.Tokens[prompt.Length..].ToArray();
        }
    }

    /// <summary>As a text's step is: at each submission of its first chunk, that which reads the hidden states among them.</summary>
    [Fact]
    public async Task A_text_to_be_embedded_is_tried_again_with_fewer_experts()
    {
        using MixtralModel model = LoadWithHalfOfExperts(out long half);
        var pass = (VulkanForwardPass)model.ForwardPass;
        int[] tokens = TestDevices.RandomTokens(20, model.Config.VocabSize); // in two chunks
        float[] expected = await model.EmbedAsync(tokens);
        for (int before = 0; before <= pass.CostOf(16, 16).Submissions; before++)
        {
            model.ExpertBudgetBytes = half;
            Assert.True(SpinWait.SpinUntil(() => pass.ResidentExperts == 16, 20_000));
            (VulkanFaults.SubmissionsBeforeRefusal, VulkanFaults.RefusedSubmissions) = (before, 1);
            float[] vector = await model.EmbedAsync(tokens);
            for (int i = 0; i < vector.Length; i++) Assert.Equal(expected[i], vector[i], 1e-4);
            Assert.Equal(8, pass.ResidentExperts);
        }
    }

    /// <summary>
    /// A text whose pages come back from the host is refused at that, in its prompt or in its answer, and is told; asked again it is what
    /// it would have been.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void What_is_refused_can_be_asked_again_and_is_the_same_text(int before)
    {
        using MixtralModel model = Load(s_options with { IdleMemoryBytes = 8 << 20, IdleMemoryEverywhere = true });
        string smiths = string.Concat(Enumerable.Repeat(Smith + " ", 7)), mills = string.Concat(Enumerable.Repeat(Mill + " ", 7));
        string expected, other = Text(model, mills);
        using (MixtralModel whole = MixtralModel.Load(ShippedModel.Path, s_options)) expected = Text(whole, smiths + Mill);
        using Session session = model.StartSession();
        session.Prefill(model.Tokenizer.Encode(smiths));
        Text(model, mills); // takes the pages: they go to the host
        (VulkanFaults.SubmissionsBeforeRefusal, VulkanFaults.RefusedSubmissions) = (before, 1);
        Assert.Throws<OutOfGpuMemoryException>(() => Text(session, smiths + Mill));
        Assert.Equal(expected, Text(session, smiths + Mill));
        Assert.InRange(session.PrefillTimings.ReusedTokens, 2 * KvPages.PageTokens, 128);
        Assert.Equal(other, Text(model, mills));
    }

    private static MixtralModel LoadWithHalfOfExperts(out long bytes)
    {
        using (ModelSource source = ModelSource.Open(ShippedModel.Path)) bytes = source.Describe().ExpertBytes / 2;
        return Load(s_options with { ExpertBudgetBytes = bytes, ExpertPlacement = ExpertPlacement.Fixed });
    }

    private static MixtralModel Load(MixtralOptions options)
    {
        Func<string, nint, nint> replace = VulkanFaults.Begin();
        return MixtralModel.Load(ShippedModel.Path, options with { WithGpuOptions = gpu => gpu with { ReplaceCommand = replace } });
    }

    private static string Text(MixtralModel model, string prompt)
    {
        using Session session = model.StartSession();
        return Text(session, prompt);
    }

    private static string Text(Session session, string prompt) =>
        string.Concat(session.Generate(session.Model.Tokenizer.Encode(prompt), s_greedy).Select(token => token.Text));
}
