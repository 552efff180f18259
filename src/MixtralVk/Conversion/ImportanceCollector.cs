using System.Globalization;
using MixtralVk.Cpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk.Conversion;

/// <summary>Runs a text through a model on the CPU and sums up what its matrices are multiplied with.</summary>
internal sealed class ImportanceCollector : IMatrixInputs
{
    private const int MostTokensPerChunk = 512;

    private readonly Dictionary<(MatrixRole Role, int Layer), Sums> _sums = [];
    private readonly ModelConfig _config;
    private readonly string _outputName;

    private ImportanceCollector(ModelSource source)
    {
        _config = source.Config;
        _outputName = source.OutputIsEmbedding ? "token_embd.weight" : "output.weight";
    }

    /// <inheritdoc cref="ImportanceMatrix.Collect"/>
    public static ImportanceMatrix Collect(ModelSource source, string text, int threads, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        var tokenizer = new Tokenizer(source.Vocabulary);
        int[] tokens = tokenizer.Encode(text, addSpecial: false);
        int chunk = Math.Min(source.Config.ContextLength, MostTokensPerChunk), begin = tokenizer.Bos >= 0 ? 1 : 0;
        if (tokens.Length == 0 || chunk <= begin)
            throw new ArgumentException("The text has no tokens that could be computed.", nameof(text));
        int pages = (chunk + KvPages.PageTokens - 1) / KvPages.PageTokens;
        var collector = new ImportanceCollector(source);
        var cpu = new CpuOptions { Threads = threads, Arithmetic = CpuArithmetic.Float32 };
        using CpuForwardPass forward = CpuForwardPass.Load(source, chunk, chunk, KvFormat.F32, pages, cpu, progress: null, cancellation);
        forward.Observer = collector;
        var batch = new StepBatch(chunk);
        for (int first = 0; first < tokens.Length; first += chunk - begin)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] part = [.. begin == 1 ? [tokenizer.Bos] : Array.Empty<int>(),
                .. tokens.AsSpan(first, Math.Min(chunk - begin, tokens.Length - first))];
            using var sequence = new KvSequence(forward.Pages);
            batch.Clear();
            batch.Add(sequence, part, LogitRows.All);
            forward.Step(batch);
            progress?.Report(new LoadProgress(Math.Min(first + chunk, tokens.Length), tokens.Length, "text"));
        }
        return collector.ToMatrix(chunk);
    }

    void IMatrixInputs.Observe(MatrixRole role, int layer, int expert, ReadOnlySpan<float> input)
    {
        if (!_sums.TryGetValue((role, layer), out Sums? sums))
        {
            int matrices = role is MatrixRole.GateProj or MatrixRole.DownProj ? Math.Max(1, _config.ExpertCount) : 1;
            _sums[(role, layer)] = sums = new Sums(input.Length, new double[matrices * input.Length], new int[matrices]);
        }
        Span<double> squares = sums.Squares.AsSpan(expert * sums.Columns, sums.Columns);
        for (int i = 0; i < input.Length; i++) squares[i] += (double)input[i] * input[i];
        sums.Counts[expert]++;
    }

    private ImportanceMatrix ToMatrix(int chunkTokens)
    {
        var inputs = new Dictionary<string, ImportanceMatrix.Inputs>();
        foreach (((MatrixRole role, int layer), Sums sums) in _sums)
        {
            var found = new ImportanceMatrix.Inputs(sums.Columns, [.. sums.Squares.Select(square => (float)square)],
                [.. sums.Counts.Select(count => (float)count)]);
            foreach (string name in Names(role, layer)) inputs[name] = found;
        }
        return new ImportanceMatrix(inputs, chunkTokens);
    }

    /// <summary>The tensors that have this input.</summary>
    private string[] Names(MatrixRole role, int layer)
    {
        string block = string.Create(CultureInfo.InvariantCulture, $"blk.{layer}."),
            experts = _config.IsSparse ? "_exps.weight" : ".weight";
        return role switch
        {
            MatrixRole.Query or MatrixRole.Key or MatrixRole.Value =>
                [block + "attn_q.weight", block + "attn_k.weight", block + "attn_v.weight"],
            MatrixRole.AttentionOutput => [block + "attn_output.weight"],
            MatrixRole.GateProj or MatrixRole.UpProj => [block + "ffn_gate" + experts, block + "ffn_up" + experts],
            MatrixRole.DownProj => [block + "ffn_down" + experts],
            MatrixRole.Output => [_outputName],
            MatrixRole.TokenEmbedding => [],
        };
    }

    private sealed record Sums(int Columns, double[] Squares, int[] Counts);
}
