using MixtralVk.Model;
using MixtralVk.Testing;

namespace MixtralVk.Tests;

/// <summary>Vectors of texts, against the reference.</summary>
[Collection(VulkanCollection.Name)]
public sealed class EmbeddingTests
{
    public static TheoryData<string> Exact => [.. TestDevices.Exact];

    [Theory, MemberData(nameof(Exact))]
    public void The_hidden_state_is_that_of_the_reference(string device)
    {
        using ForwardPass pass = TestDevices.Open(device, ShippedModel.Path);
        int[] tokens = TestDevices.RandomTokens(70, pass.Config.VocabSize);
        float[] expected = ReferenceModels.Open(ShippedModel.Path).Hidden(tokens);
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(64);
        // A chunk of which two rows are wanted, then one that is wanted whole, then a single token: each its own kind of step.
        Compare(tokens.AsSpan(0, 33), LogitRows.Last, 32);
        Compare(tokens.AsSpan(33, 36), LogitRows.All, 33);
        Compare(tokens.AsSpan(69, 1), LogitRows.Last, 69);

        void Compare(ReadOnlySpan<int> chunk, LogitRows wanted, int firstRow)
        {
            batch.Clear();
            batch.Add(sequence, chunk, wanted);
            pass.Step(batch);
            for (int row = 0; row < batch.OutputCount; row++)
            {
                float[] hidden = pass.Hidden(row).ToArray();
                for (int i = 0; i < hidden.Length; i++) Assert.Equal(expected[(firstRow + row) * hidden.Length + i], hidden[i], 2e-3);
            }
            Assert.Throws<ArgumentOutOfRangeException>(() => { pass.Hidden(batch.OutputCount); });
        }
    }

    [Fact]
    public async Task A_vector_is_the_mean_of_the_hidden_states_whatever_else_is_computed()
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path,
            new MixtralOptions { Device = DeviceKind.Cpu, CpuThreads = 2, ChunkTokens = 16, KvCacheTokens = 4 * 512 });
        int[] tokens = TestDevices.RandomTokens(50, model.Config.VocabSize);
        float[] hidden = ReferenceModels.Open(ShippedModel.Path).Hidden(tokens);
        double[] mean = [.. Enumerable.Range(0, model.Config.Dim)
            .Select(i => Enumerable.Range(0, tokens.Length).Average(row => (double)hidden[row * model.Config.Dim + i]))];
        double length = Math.Sqrt(mean.Sum(value => value * value));
        float[] alone = await model.EmbedAsync(tokens);
        for (int i = 0; i < alone.Length; i++) Assert.Equal(mean[i] / length, alone[i], 1e-2); // the CPU rounds activations to bytes

        using Session session = model.StartSession();
        session.Prefill(tokens.AsSpan(0, 20));
        Task<float[]>[] beside = [];
        int generated = 0;
        foreach (GeneratedToken _ in session.Generate(new GenerationOptions { MaxTokens = 40, MinTokens = 40, Seed = 1 }))
            if (generated++ == 3) beside = [.. Enumerable.Range(0, 3).Select(_ => model.EmbedAsync(tokens))];
        foreach (float[] vector in await Task.WhenAll(beside)) Assert.Equal(alone, vector);
        Assert.Equal(40, generated);
    }

    [Fact]
    public async Task What_is_no_text_is_refused_and_the_rest_goes_on()
    {
        using MixtralModel model =
            MixtralModel.Load(ShippedModel.Path, new MixtralOptions { Device = DeviceKind.Cpu, CpuThreads = 2, KvCacheTokens = 512 });
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = model.EmbedAsync(ReadOnlyMemory<int>.Empty); });
        await Assert.ThrowsAsync<ContextOverflowException>(() => model.EmbedAsync(new int[513]));
        await Assert.ThrowsAsync<TokenRangeException>(() => model.EmbedAsync(new[] { model.Config.VocabSize }));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            model.EmbedAsync(new int[300], new CancellationToken(canceled: true)));
        for (int i = 0; i < 20; i++) await model.EmbedAsync(TestDevices.RandomTokens(300, model.Config.VocabSize)); // no page is lost
    }
}
