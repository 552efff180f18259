using MixtralVk.Model;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Model;

/// <summary>How tokens are cut into steps and stages must not change one bit, on any device.</summary>
[Collection(VulkanCollection.Name)]
public class ForwardPassTests
{
    // Lengths around the borders of pages (32 tokens) and of key cuts (256).
    private static readonly int[] _borders = [31, 32, 33, 255, 256, 257];

    public static TheoryData<string, string, KvFormat> Models()
    {
        var data = new TheoryData<string, string, KvFormat>();
        foreach (string device in TestDevices.Names)
        {
            foreach (string shape in TestShapes.All.Keys)
            {
                data.Add(device, shape, KvFormat.F16);
                data.Add(device, shape, KvFormat.F32);
            }
            data.Add(device, TestShapes.All.Keys.First(), KvFormat.Q8_0);
        }
        return data;
    }

    public static TheoryData<string> Devices() => [.. TestDevices.Names];

    [Theory, MemberData(nameof(Models))]
    public void Decoding_and_every_chunking_give_the_bits_of_one_prefill(string device, string shape, KvFormat kv)
    {
        using ForwardPass pass = Open(device, shape, kv);
        int[] tokens = TestDevices.RandomTokens(259, pass.Config.VocabSize);
        float[] whole = TestDevices.AllLogits(pass, tokens);
        Assert.All(whole, value => Assert.True(float.IsFinite(value)));
        foreach (int chunk in (int[])[1, 7, 32, 100, 256])
            AssertSameBits(whole, TestDevices.AllLogits(pass, tokens, chunk), $"chunks of {chunk}");
    }

    [Theory, MemberData(nameof(Models))]
    public void A_prefix_of_any_length_gives_the_bits_of_the_whole(string device, string shape, KvFormat kv)
    {
        using ForwardPass pass = Open(device, shape, kv);
        int[] tokens = TestDevices.RandomTokens(257, pass.Config.VocabSize);
        float[] whole = TestDevices.AllLogits(pass, tokens);
        var batch = new StepBatch(257);
        foreach (int length in _borders)
        {
            // Only the last row is wanted here: the others leave the last layer early.
            using var sequence = new KvSequence(pass.Pages);
            batch.Clear();
            batch.Add(sequence, tokens.AsSpan(0, length), LogitRows.Last);
            pass.Step(batch);
            AssertSameBits(Row(whole, length - 1, pass), pass.Logits(0).ToArray(), $"length {length}");
            Assert.Equal(length, sequence.Length);
        }
    }

    [Theory, MemberData(nameof(Models))]
    public void A_batch_gives_each_sequence_the_bits_it_gets_alone(string device, string shape, KvFormat kv)
    {
        using ForwardPass pass = Open(device, shape, kv);
        int[][] tokens = [.. Enumerable.Range(0, 3).Select(s => TestDevices.RandomTokens(40 + 35 * s, pass.Config.VocabSize, seed: s))];
        float[][] alone = [.. tokens.Select(t => TestDevices.AllLogits(pass, t))];
        KvSequence[] sequences = [.. tokens.Select(_ => new KvSequence(pass.Pages))];
        var batch = new StepBatch(128);
        // Each round takes another number of tokens of each sequence: decode, prefill and mixes of both; the order changes too.
        for (int round = 0; sequences.Where((s, i) => s.Length < tokens[i].Length).Any(); round++)
        {
            batch.Clear();
            var expected = new List<float[]>();
            for (int i = 0; i < 3; i++)
            {
                int s = (i + round) % 3, from = sequences[s].Length, count = Math.Min(1 + (round + s) * 5 % 13, tokens[s].Length - from);
                if (count == 0) continue;
                LogitRows wanted = (LogitRows)((round + i) % 3);
                batch.Add(sequences[s], tokens[s].AsSpan(from, count), wanted);
                if (wanted == LogitRows.Last) expected.Add(Row(alone[s], from + count - 1, pass));
                if (wanted == LogitRows.All) expected.AddRange(Enumerable.Range(from, count).Select(row => Row(alone[s], row, pass)));
            }
            pass.Step(batch);
            Assert.Equal(expected.Count, batch.OutputCount);
            for (int row = 0; row < expected.Count; row++)
                AssertSameBits(expected[row], pass.Logits(row).ToArray(), $"round {round}, row {row}");
        }
        foreach (KvSequence sequence in sequences) sequence.Dispose();
        Assert.Equal(pass.Pages.PageCount, pass.Pages.FreeCount);
    }

    [Theory, MemberData(nameof(Models))]
    public void A_step_may_stop_after_any_stage(string device, string shape, KvFormat kv)
    {
        using ForwardPass pass = Open(device, shape, kv);
        int[] tokens = TestDevices.RandomTokens(35, pass.Config.VocabSize);
        float[] whole = TestDevices.AllLogits(pass, tokens);
        var batch = new StepBatch(35);
        foreach (int stages in (int[])[1, 2, 3, 5])
        {
            using var sequence = new KvSequence(pass.Pages);
            batch.Clear();
            batch.Add(sequence, tokens, LogitRows.All);
            pass.Begin(batch);
            for (int next = 0; next < pass.Stages.Count; next = pass.NextStage)
            {
                Assert.Equal(0, sequence.Length);
                pass.Run(stages);
                Assert.Equal(Math.Min(next + stages, pass.Stages.Count), pass.NextStage);
            }
            Assert.Equal(tokens.Length, sequence.Length);
            for (int row = 0; row < tokens.Length; row++)
                AssertSameBits(Row(whole, row, pass), pass.Logits(row).ToArray(), $"{stages} at a time, row {row}");
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Taking_tokens_back_and_adding_others_leaves_no_trace(string device)
    {
        using ForwardPass pass = Open(device, "q4_0, 16 experts, top-1", KvFormat.F16);
        int[] first = TestDevices.RandomTokens(70, pass.Config.VocabSize, seed: 1);
        int[] second = [.. first[..30], .. TestDevices.RandomTokens(40, pass.Config.VocabSize, seed: 2)];
        float[] fresh = TestDevices.AllLogits(pass, second);
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(70);
        batch.Add(sequence, first, LogitRows.None);
        pass.Step(batch);
        sequence.Truncate(30);
        batch.Clear();
        batch.Add(sequence, second.AsSpan(30), LogitRows.Last);
        pass.Step(batch);
        AssertSameBits(Row(fresh, 69, pass), pass.Logits(0).ToArray(), "after truncation");
    }

    [Theory, MemberData(nameof(Devices))]
    public void Tokens_and_positions_out_of_range_are_refused_and_change_nothing(string device)
    {
        using ForwardPass pass = Open(device, "dense, tied output", KvFormat.F16);
        int[] tokens = TestDevices.RandomTokens(5, pass.Config.VocabSize);
        float[] before = TestDevices.AllLogits(pass, tokens);
        foreach (int bad in (int[])[-1, pass.Config.VocabSize, int.MaxValue])
        {
            using var sequence = new KvSequence(pass.Pages);
            var batch = new StepBatch(4);
            batch.Add(sequence, [1, bad], LogitRows.Last);
            Assert.Throws<TokenRangeException>(() => pass.Step(batch));
            Assert.Equal(0, sequence.Length);
        }
        using (var sequence = new KvSequence(pass.Pages))
        {
            var batch = new StepBatch(400);
            batch.Add(sequence, TestDevices.RandomTokens(pass.ContextLength + 1, pass.Config.VocabSize), LogitRows.Last);
            Assert.Throws<ContextOverflowException>(() => pass.Step(batch));
        }
        AssertSameBits(before, TestDevices.AllLogits(pass, tokens), "after refused batches");
    }

    private static ForwardPass Open(string device, string shape, KvFormat kv)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        return TestDevices.Open(device, file.Path, kv, context: 300, maxBatchTokens: 320);
    }

    private static float[] Row(float[] logits, int row, ForwardPass pass) =>
        logits[(row * pass.Config.VocabSize)..((row + 1) * pass.Config.VocabSize)];

    private static void AssertSameBits(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int at = expected.Zip(actual)
            .TakeWhile(p => BitConverter.SingleToInt32Bits(p.First) == BitConverter.SingleToInt32Bits(p.Second)).Count();
        if (at < expected.Length) Assert.Fail($"{what}: value {at} is {actual[at]:R}, not {expected[at]:R}.");
    }
}
