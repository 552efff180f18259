using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Loading;

/// <summary>
/// A matrix inside a tensor: merged expert tensors hold one after the other, and a tensor may have more rows than are used.
/// </summary>
internal readonly record struct GgufMatrix(GgufTensor Tensor, long FirstRow, RowTileLayout Layout);

/// <summary>
/// Which tensor of a <c>llama</c> GGUF file plays which part. All are looked up, and their types and shapes checked against the model's
/// sizes, when the file is opened.
/// </summary>
internal sealed class GgufWeights
{
    private readonly GgufFile _file;
    private readonly ModelConfig _config;
    private readonly GgufMatrix _embedding, _output, _outputNorm;
    private readonly Layer[] _layers;

    public GgufWeights(GgufFile file, ModelConfig config)
    {
        _file = file;
        _config = config;
        RefuseUnsupported();
        OutputIsEmbedding = !file.Tensors.ContainsKey("output.weight");
        _embedding = VocabularyMatrix("token_embd.weight");
        _output = OutputIsEmbedding ? _embedding : VocabularyMatrix("output.weight");
        _outputNorm = Matrix("output_norm.weight", 1, config.Dim);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(ReadLayer)];
    }

    /// <summary>The file has no output matrix of its own.</summary>
    public bool OutputIsEmbedding { get; }

    /// <summary>The matrix of a role.</summary>
    public GgufMatrix Find(MatrixRole role, int layer, int expert)
    {
        CheckLayer(layer);
        ArgumentOutOfRangeException.ThrowIfNegative(expert);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(expert, Math.Max(1, _config.ExpertCount));
        return role switch
        {
            MatrixRole.TokenEmbedding => _embedding,
            MatrixRole.Query => _layers[layer].Query,
            MatrixRole.Key => _layers[layer].Key,
            MatrixRole.Value => _layers[layer].Value,
            MatrixRole.AttentionOutput => _layers[layer].AttentionOutput,
            MatrixRole.GateProj => _layers[layer].Gate[expert],
            MatrixRole.UpProj => _layers[layer].Up[expert],
            MatrixRole.DownProj => _layers[layer].Down[expert],
            MatrixRole.Output => _output,
        };
    }

    /// <summary>The weights of a norm, one row.</summary>
    public GgufMatrix Norm(NormRole role, int layer)
    {
        CheckLayer(layer);
        return role switch
        {
            NormRole.Attention => _layers[layer].AttentionNorm,
            NormRole.FeedForward => _layers[layer].FeedForwardNorm,
            NormRole.Output => _outputNorm,
        };
    }

    /// <summary>The router of a layer, one row per expert.</summary>
    public GgufMatrix Router(int layer)
    {
        CheckLayer(layer);
        return _layers[layer].Router ?? throw new InvalidOperationException("A dense model has no router.");
    }

    private Layer ReadLayer(int layer)
    {
        string prefix = $"blk.{layer}.";
        int dim = _config.Dim, hidden = _config.HiddenDim;
        return new Layer(
            AttentionNorm: Matrix(prefix + "attn_norm.weight", 1, dim),
            Query: Matrix(prefix + "attn_q.weight", _config.QueryDim, dim),
            Key: Matrix(prefix + "attn_k.weight", _config.KvDim, dim),
            Value: Matrix(prefix + "attn_v.weight", _config.KvDim, dim),
            AttentionOutput: Matrix(prefix + "attn_output.weight", dim, _config.QueryDim),
            FeedForwardNorm: Matrix(prefix + "ffn_norm.weight", 1, dim),
            Router: _config.IsSparse ? Matrix(prefix + "ffn_gate_inp.weight", _config.ExpertCount, dim) : null,
            Gate: Experts(prefix + "ffn_gate", hidden, dim),
            Up: Experts(prefix + "ffn_up", hidden, dim),
            Down: Experts(prefix + "ffn_down", dim, hidden));
    }

    /// <summary>
    /// The experts' matrices: a merged tensor (<c>NAME_exps</c>), or one tensor each (<c>NAME.0</c> and so on) as in Mixtral files of early
    /// 2024, whose types may differ. A dense model has the one matrix.
    /// </summary>
    private ExpertMatrices Experts(string name, int rows, int cols)
    {
        if (!_config.IsSparse) return new ExpertMatrices([Matrix(name + ".weight", rows, cols)]);
        string merged = name + "_exps.weight";
        if (!_file.Tensors.ContainsKey(name + ".0.weight")) return new ExpertMatrices([Matrix(merged, rows, cols, _config.ExpertCount)]);
        if (_file.Tensors.ContainsKey(merged)) throw _file.Error($"the experts of '{merged}' are there a second time, one tensor each.");
        return new ExpertMatrices([.. Enumerable.Range(0, _config.ExpertCount)
            .Select(expert => Matrix($"{name}.{expert}.weight", rows, cols))]);
    }

    /// <summary>
    /// A matrix with a row per token. Padded vocabularies have rows beyond the last token, which no text can reach: they are not used.
    /// </summary>
    private GgufMatrix VocabularyMatrix(string name) => Matrix(name, _config.VocabSize, _config.Dim, mayHaveMoreRows: true);

    /// <summary>Finds a tensor and checks its type and shape; GGUF leaves out trailing dimensions of 1.</summary>
    private GgufMatrix Matrix(string name, int rows, int cols, int count = 1, bool mayHaveMoreRows = false)
    {
        if (!_file.Tensors.TryGetValue(name, out GgufTensor? tensor)) throw _file.Error($"tensor '{name}' is missing.");
        long[] wanted = [cols, rows, count, 1];
        for (int i = 0; i < wanted.Length; i++)
        {
            long found = i < tensor.Dimensions.Count ? tensor.Dimensions[i] : 1;
            if (found == wanted[i] || mayHaveMoreRows && i == 1 && found > rows) continue;
            throw _file.Error(
                $"tensor '{name}' has the shape {string.Join(" x ", tensor.Dimensions)}; the model's sizes want {cols} x {rows}{(count > 1 ? $" x {count}" : "")}.");
        }
        WeightFormat format = tensor.Type.WeightFormat()
            ?? throw _file.Error($"tensor '{name}' has type {tensor.Type}, which is not supported yet.");
        var layout = new RowTileLayout(format, rows, cols);
        if (layout.TileBytes > int.MaxValue) throw _file.Error($"tensor '{name}' has rows of {cols}, too long for this engine.");
        return new GgufMatrix(tensor, 0, layout);
    }

    /// <summary>Tensors that would change the result and that the engine does not use. Other unknown tensors are left alone.</summary>
    private void RefuseUnsupported()
    {
        foreach (string name in _file.Tensors.Keys)
        {
            string? part = name switch
            {
                _ when name.StartsWith("rope_factors_", StringComparison.Ordinal) => "RoPE factors of LongRoPE",
                _ when name.EndsWith(".bias", StringComparison.Ordinal) => "biases",
                _ when name.EndsWith(".scale", StringComparison.Ordinal) => "tensor scales",
                _ when name.Contains("_shexp.", StringComparison.Ordinal) => "shared experts",
                _ when name.Contains(".attn_q_norm.", StringComparison.Ordinal)
                    || name.Contains(".attn_k_norm.", StringComparison.Ordinal) => "norms of queries and keys",
                _ => null,
            };
            if (part is not null) throw _file.Error($"tensor '{name}': {part} are not supported yet.");
        }
    }

    private void CheckLayer(int layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, _layers.Length);
    }

    private sealed record Layer(
        GgufMatrix AttentionNorm, GgufMatrix Query, GgufMatrix Key, GgufMatrix Value, GgufMatrix AttentionOutput,
        GgufMatrix FeedForwardNorm,
        GgufMatrix? Router, ExpertMatrices Gate, ExpertMatrices Up, ExpertMatrices Down);

    /// <summary>One tensor that holds all experts, or one per expert.</summary>
    private readonly record struct ExpertMatrices(GgufMatrix[] Matrices)
    {
        public GgufMatrix this[int expert] =>
            Matrices.Length > 1 ? Matrices[expert] : Matrices[0] with { FirstRow = (long)expert * Matrices[0].Layout.Rows };
    }
}
