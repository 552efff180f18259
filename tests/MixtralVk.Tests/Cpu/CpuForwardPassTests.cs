using MixtralVk.Cpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tests.Model;

namespace MixtralVk.Tests.Cpu;

public class CpuForwardPassTests
{
    public static TheoryData<string> Shapes() => TestShapes.Names();

    [Theory, MemberData(nameof(Shapes))]
    public void The_number_of_threads_changes_no_bit(string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 5])
        {
            using ModelSource source = ModelSource.Open(file.Path);
            using CpuForwardPass pass =
                CpuForwardPass.Load(source, 64, 64, KvFormat.F16, 2, new CpuOptions { Threads = threads }, null, default);
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
        int[] tokens = TestDevices.RandomTokens(10, pass.Config.VocabSize);
        Decode();
        Assert.Equal(0, Allocations.Of(Decode));

        void Decode()
        {
            sequence.Truncate(0);
            for (int i = 0; i < tokens.Length; i++)
            {
                batch.Clear();
                batch.Add(sequence, tokens.AsSpan(i, 1), LogitRows.Last);
                pass.Step(batch);
            }
        }
    }

    [Fact]
    public void Loading_reports_rising_progress_up_to_the_whole()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using ModelSource source = ModelSource.Open(file.Path);
        var reports = new List<LoadProgress>();
        using CpuForwardPass pass =
            CpuForwardPass.Load(source, 32, 8, KvFormat.F16, 1, new CpuOptions { Threads = 3 }, new Collect(reports), default);
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

    private sealed class Collect(List<LoadProgress> reports, Action? then = null) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            reports.Add(value);
            then?.Invoke();
        }
    }
}
