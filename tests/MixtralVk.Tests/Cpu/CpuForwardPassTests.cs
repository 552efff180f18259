using MixtralVk.Cpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Reference;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Model;

namespace MixtralVk.Tests.Cpu;

public class CpuForwardPassTests
{
    public static TheoryData<string> Shapes() => TestShapes.Names();

    [Theory, MemberData(nameof(Shapes))]
    public void Every_layer_fed_with_the_reference_s_input_gives_the_reference_s_output(string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        ReferenceModel reference = ReferenceModels.Open(file.Path);
        using var pass = (CpuForwardPass)TestDevices.Open("cpu", file.Path);
        foreach (int length in (int[])[1, 33, 257])
        {
            int[] tokens = TestDevices.RandomTokens(length, pass.Config.VocabSize);
            var layers = new List<LayerTrace>();
            reference.Logits(tokens, onLayer: layers.Add);
            using var sequence = new KvSequence(pass.Pages);
            var batch = new StepBatch(length);
            batch.Add(sequence, tokens, LogitRows.All);
            pass.Begin(batch);
            pass.Run(1);
            Assert.Equal(layers[0].Input, pass.Residual.ToArray());
            foreach (LayerTrace layer in layers)
            {
                layer.Input.CopyTo(pass.Residual);
                pass.Run(1);
                AssertClose(layer.AfterAttention, pass.Residual, $"attention of layer {layer.Layer}, {length} tokens");
                layer.AfterAttention.CopyTo(pass.Residual);
                pass.Run(pass.Config.IsSparse ? 3 : 2);
                AssertClose(layer.Output, pass.Residual, $"layer {layer.Layer}, {length} tokens");
            }
            pass.Run(1);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void The_number_of_threads_changes_no_bit(string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 5])
        {
            using ModelSource source = ModelSource.Open(file.Path);
            using CpuForwardPass pass = CpuForwardPass.Load(source, 64, 64, KvFormat.F16, 2, threads, null, default);
            float[] logits = TestDevices.AllLogits(pass, TestDevices.RandomTokens(40, pass.Config.VocabSize));
            Assert.Equal(first ??= logits, logits);
        }
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ForwardPass pass = TestDevices.Open("cpu", file.Path, KvFormat.F16);
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(1);
        int[] tokens = TestDevices.RandomTokens(30, pass.Config.VocabSize);
        for (int i = 0; i < 10; i++) Decode(i);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 10; i < 30; i++) Decode(i);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Decode(int i)
        {
            batch.Clear();
            batch.Add(sequence, tokens.AsSpan(i, 1), LogitRows.Last);
            pass.Step(batch);
        }
    }

    [Fact]
    public void Loading_reports_rising_progress_up_to_the_whole()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var reports = new List<LoadProgress>();
        using CpuForwardPass pass = CpuForwardPass.Load(source, 32, 8, KvFormat.F16, 1, 3, new Collect(reports), default);
        Assert.True(reports.Count > 2);
        Assert.Equal(reports.Select(r => r.DoneBytes).Order(), reports.Select(r => r.DoneBytes));
        Assert.Single(reports.Select(r => r.TotalBytes).Distinct());
        Assert.Equal(reports[^1].TotalBytes, reports[^1].DoneBytes);
        Assert.Contains(reports, r => r.What == "layer 1");
    }

    [Fact]
    public void A_sequence_of_another_cache_and_steps_out_of_turn_are_refused()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ForwardPass pass = TestDevices.Open("cpu", file.Path, context: 32, maxBatchTokens: 4);
        Assert.Throws<InvalidOperationException>(() => pass.Run(1));
        var foreign = new KvPages(100);
        using var padding = new KvSequence(foreign);
        padding.Reserve(90 * KvPages.PageTokens);
        using var sequence = new KvSequence(foreign);
        var batch = new StepBatch(4);
        batch.Add(sequence, [1], LogitRows.Last);
        Assert.Throws<ArgumentException>(() => pass.Step(batch));

        using var own = new KvSequence(pass.Pages);
        batch.Clear();
        batch.Add(own, [1, 2], LogitRows.Last);
        pass.Begin(batch);
        Assert.Throws<InvalidOperationException>(() => pass.Logits(0).Length);
        pass.Run(pass.Stages.Count);
        Assert.Equal(pass.Config.VocabSize, pass.Logits(0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => pass.Logits(1).Length);
        pass.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pass.Begin(batch));
    }

    private static void AssertClose(float[] expected, Span<float> actual, string what)
    {
        float scale = expected.Max(MathF.Abs);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            if (!(MathF.Abs(expected[i] - actual[i]) <= 5e-6f * scale))
                Assert.Fail($"{what}: value {i} is {actual[i]:R}, not {expected[i]:R} (largest {scale:R}).");
    }

    private sealed class Collect(List<LoadProgress> reports, Action? then = null) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            reports.Add(value);
            then?.Invoke();
        }
    }
}
