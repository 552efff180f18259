using System.Runtime.InteropServices;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;

namespace MixtralVk.Testing;

/// <summary>The devices that every model test runs on: a theory takes <see cref="Names"/>.</summary>
public static class TestDevices
{
    private delegate ForwardPass Opener(ModelSource source, int context, int maxBatchTokens, KvFormat kv, int pages);

    // One device for all tests: a pipeline that one test had compiled serves the next.
    private static readonly Lazy<TestGpu> _vulkan = new(() => TestGpu.Open(VulkanForwardPass.Shaders));

    private static readonly Dictionary<string, Opener> _openers = new()
    {
        ["cpu"] = (source, context, maxBatchTokens, kv, pages) => OnCpu(CpuArithmetic.Float32, source, context, maxBatchTokens, kv, pages),
        ["cpu-int8"] = (source, context, maxBatchTokens, kv, pages) =>
            OnCpu(CpuArithmetic.Int8, source, context, maxBatchTokens, kv, pages),
        ["vulkan"] = (source, context, maxBatchTokens, kv, pages) =>
            VulkanForwardPass.Load(source, _vulkan.Value.Device, context, maxBatchTokens, kv, pages,
                null, new CleanAtEnd(_vulkan.Value)),
    };

    /// <summary>Fails the test that closes its model on a device that has seen a validation message or a hazard.</summary>
    private sealed class CleanAtEnd(TestGpu gpu) : IDisposable
    {
        public void Dispose() => gpu.AssertClean();
    }

    /// <summary>Names of the devices.</summary>
    public static IEnumerable<string> Names => _openers.Keys;

    /// <summary>Those that round nothing but floats.</summary>
    public static IEnumerable<string> Exact => Names.Where(name => name != "cpu-int8");

    /// <summary>Loads a model file on a device, with room in the KV cache for four sequences of the whole context.</summary>
    public static ForwardPass Open(string device, string path, KvFormat kv = KvFormat.F32, int context = 512, int maxBatchTokens = 512)
    {
        using ModelSource source = ModelSource.Open(path);
        return _openers[device](source, context, maxBatchTokens, kv, 4 * (context + KvPages.PageTokens - 1) / KvPages.PageTokens);
    }

    /// <summary>Logits (tokens, vocab) of every position of a sequence run in one step.</summary>
    public static float[] AllLogits(ForwardPass pass, ReadOnlySpan<int> tokens) => AllLogits(pass, tokens, tokens.Length);

    /// <summary>The same in steps of at most <paramref name="chunk"/> tokens.</summary>
    public static float[] AllLogits(ForwardPass pass, ReadOnlySpan<int> tokens, int chunk)
    {
        var batch = new StepBatch(Math.Min(chunk, tokens.Length));
        using var sequence = new KvSequence(pass.Pages);
        var logits = new float[tokens.Length * pass.Config.VocabSize];
        for (int first = 0; first < tokens.Length; first += chunk)
        {
            batch.Clear();
            batch.Add(sequence, tokens[first..Math.Min(first + chunk, tokens.Length)], LogitRows.All);
            pass.Step(batch);
            for (int row = 0; row < batch.OutputCount; row++) pass.Logits(row).CopyTo(logits.AsSpan((first + row) * pass.Config.VocabSize));
        }
        return logits;
    }

    /// <summary>The residual stream (rows, dim) between two stages of a step.</summary>
    public static float[] Residual(ForwardPass pass, int rows)
    {
        var values = new float[rows * pass.Config.Dim];
        if (pass is CpuForwardPass cpu) cpu.Residual.CopyTo(values);
        else if (pass is VulkanForwardPass vulkan) ReadBack(vulkan, values);
        return values;
    }

    /// <summary>Replaces the residual stream between two stages of a step.</summary>
    public static void SetResidual(ForwardPass pass, float[] values)
    {
        if (pass is CpuForwardPass cpu) values.CopyTo(cpu.Residual);
        else if (pass is VulkanForwardPass vulkan)
        {
            using var uploader = new WeightUploader(vulkan.Device);
            BufferView destination = vulkan.Residual.Slice(0, (ulong)values.Length * sizeof(float));
            uploader.Run([new Upload(destination, bytes => MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(bytes), "residual")], null,
                default);
        }
    }

    private static CpuForwardPass OnCpu(CpuArithmetic arithmetic, ModelSource source, int context, int maxBatchTokens,
        KvFormat kv, int pages) =>
        CpuForwardPass.Load(source, context, maxBatchTokens, kv, pages,
            new CpuOptions { Threads = 2, Arithmetic = arithmetic }, null, default);

    private static void ReadBack(VulkanForwardPass pass, float[] values)
    {
        using GpuBuffer copy = pass.Device.CreateBuffer((ulong)values.Length * sizeof(float), BufferUse.ReadBack, "residual");
        Recorder recorder = pass.Device.CreateRecorder();
        recorder.BeginStage("residual");
        recorder.Copy(pass.Residual.Slice(0, copy.Size), copy.View);
        using Recording recording = recorder.Finish("residual");
        pass.Device.Queue.Wait(pass.Device.Queue.Submit(recording, 0, 1));
        copy.Invalidate();
        copy.Map<float>().CopyTo(values);
    }

    /// <summary>Seeded tokens of a vocabulary.</summary>
    public static int[] RandomTokens(int count, int vocab, int seed = 5)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocab))];
    }
}
