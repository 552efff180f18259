using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Model;

/// <summary>However stages are cut, and wherever a step stops between them, no bit changes.</summary>
[Collection(VulkanCollection.Name)]
public class StageCutTests
{
    public static TheoryData<string, string> Models()
    {
        var data = new TheoryData<string, string>();
        foreach (string device in TestDevices.Names)
            foreach (string shape in TestShapes.All.Keys) data.Add(device, shape);
        return data;
    }

    [Theory, MemberData(nameof(Models))]
    public void Any_cut_and_any_slices_give_the_bits_of_whole_steps(string device, string shape)
    {
        using ForwardPass pass = Open(device, shape);
        int[] tokens = TestDevices.RandomTokens(61, pass.Config.VocabSize);
        float[] expected = Run(pass, tokens, _ => 1000);
        StageCut some = new(1, 2, 3, 4), most = new(64, 64, 64, 64);
        (StageCut One, StageCut Others)[] cuts = [(new(2, 1, 1, 1), new(2, 1, 1, 1)), (some, some), (new(7, 5, 2, 1), some), (most, most),
            (StageCut.Whole, most), (StageCut.Whole, StageCut.Whole)];
        foreach ((StageCut one, StageCut others) in cuts)
        {
            pass.CutStages(others);
            pass.CutStages(TokenClass.One, one);
            var random = new Random(1);
            Assert.Equal(expected, Run(pass, tokens, _ => 1));
            Assert.Equal(expected, Run(pass, tokens, stages => random.Next(1, stages / 2)));
        }
    }

    [Theory, MemberData(nameof(Models))]
    public void Every_stage_is_there_once_and_parts_cover_it(string device, string shape)
    {
        using ForwardPass pass = Open(device, shape);
        Stage[] whole = [.. pass.Stages];
        Assert.All(whole, stage => Assert.Equal((0, 1), (stage.Part, stage.Parts)));
        pass.CutStages(new StageCut(3, 2, 4, 5));
        Assert.Equal(whole.Length + pass.Config.LayerCount * (6 + 1 + 3) + 4, pass.Stages.Count);
        pass.CutStages(StageCut.Whole);
        Assert.Equal(whole, pass.Stages);
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(1);
        batch.Add(sequence, [1], LogitRows.Last);
        pass.Begin(batch);
        pass.Run(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => pass.CutStages(default));
        pass.CutStages(new StageCut(2, 2, 2, 2));
        Assert.Throws<InvalidOperationException>(() => pass.Run(1)); // that step has ended
        pass.Step(batch);
        Assert.Equal(1, sequence.Length);
    }

    /// <summary>
    /// A prompt in two chunks, of which some rows are wanted, then a few tokens one by one: logits of all that were wanted.
    /// </summary>
    private static float[] Run(ForwardPass pass, int[] tokens, Func<int, int> stagesOfSlice)
    {
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(pass.MaxBatchTokens);
        var logits = new List<float>();
        (int, LogitRows)[] steps = [(20, LogitRows.None), (37, LogitRows.Last), (1, LogitRows.Last), (3, LogitRows.All)];
        foreach ((int count, LogitRows wanted) in steps)
        {
            batch.Clear();
            batch.Add(sequence, tokens.AsSpan(sequence.Length, count), wanted);
            pass.Begin(batch);
            while (pass.NextStage < pass.Stages.Count) pass.Run(stagesOfSlice(pass.Stages.Count));
            for (int row = 0; row < batch.OutputCount; row++) logits.AddRange(pass.Logits(row));
        }
        return [.. logits];
    }

    private static ForwardPass Open(string device, string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        return TestDevices.Open(device, file.Path, KvFormat.F16, context: 128, maxBatchTokens: 64);
    }
}
