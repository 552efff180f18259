using System.Globalization;
using System.Text.RegularExpressions;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Tokenization;

namespace MixtralVk.Conversion;

/// <summary>
/// A folder with a model as its makers publish it: Hugging Face (<c>config.json</c>, <c>model*.safetensors</c>) or Mistral's own form
/// (<c>params.json</c>, <c>consolidated*.safetensors</c>). Every tensor the architecture has is found and its shape checked when the folder
/// is opened; a tensor the architecture does not have is refused.
/// </summary>
internal sealed partial class Checkpoint : IDisposable
{
    private readonly CheckpointShards _shards;
    private readonly HashSet<string> _used = [];
    private readonly ModelConfig _model;

    private Checkpoint(CheckpointShards shards, CheckpointConfig config)
    {
        _shards = shards;
        _model = config.Model;
        Config = config;
        Tensors = [.. FindTensors()];
        string? left = shards.Tensors.Keys.FirstOrDefault(name => !_used.Contains(name) && !IsIgnored(name));
        if (left is not null)
            throw new ModelFileException(shards.Tensors[left].File.Path, $"tensor '{left}' is not part of this architecture.");
        // After the tensors: the embedding has shown that the stated vocabulary is real.
        Vocabulary = CheckpointVocabulary.Read(shards.Folder, _model.VocabSize);
    }

    /// <summary>The sizes.</summary>
    public CheckpointConfig Config { get; }

    /// <summary>The vocabulary.</summary>
    public VocabularyData Vocabulary { get; }

    /// <summary>Tensors under their GGUF names, in GGUF's order of rows.</summary>
    public IReadOnlyList<SourceTensor> Tensors { get; }

    /// <summary>Opens a folder; where both forms are in it, the Hugging Face one.</summary>
    public static Checkpoint Open(string folder)
    {
        if (!Directory.Exists(folder)) throw new ModelFileException(folder, File.Exists(folder) ? "is not a folder." : "does not exist.");
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string huggingFace = Path.Combine(folder, "config.json"), consolidated = Path.Combine(folder, "params.json");
        bool hasModel = HasFiles(folder, "model*.safetensors"), hasConsolidated = HasFiles(folder, "consolidated*.safetensors");
        CheckpointShards shards;
        CheckpointConfig config;
        if (hasModel && File.Exists(huggingFace))
        {
            config = CheckpointConfig.ReadHuggingFace(huggingFace, name);
            shards = CheckpointShards.Open(folder, "model");
        }
        else if (hasConsolidated && File.Exists(consolidated))
        {
            config = CheckpointConfig.ReadConsolidated(consolidated, name);
            shards = CheckpointShards.Open(folder, "consolidated");
        }
        else throw new ModelFileException(folder, Missing(folder, hasModel || hasConsolidated));
        try
        {
            return new Checkpoint(shards, config);
        }
        catch
        {
            shards.Dispose();
            throw;
        }
    }

    public void Dispose() => _shards.Dispose();

    private static string Missing(string folder, bool hasWeights) =>
        hasWeights ? "has weights but neither config.json nor params.json to go with them."
        : HasFiles(folder, "*.bin") || HasFiles(folder, "*.pt") || HasFiles(folder, "*.pth")
            ? "has weights as PyTorch pickles only, which can run code when they are read; take the safetensors files."
        : "has neither model*.safetensors with config.json nor consolidated*.safetensors with params.json.";

    private static bool HasFiles(string folder, string pattern) => Directory.EnumerateFiles(folder, pattern).Any();

    private IEnumerable<SourceTensor> FindTensors()
    {
        TensorNames names = Config.Names;
        int dim = _model.Dim, hidden = _model.HiddenDim, halfSplit = Config.IsHalfSplit ? _model.HeadDim : 0;
        yield return Matrix("token_embd.weight", names.Embedding, 0, _model.VocabSize, dim);
        for (int layer = 0; layer < _model.LayerCount; layer++)
        {
            string block = string.Create(CultureInfo.InvariantCulture, $"blk.{layer}.");
            yield return Norm(block + "attn_norm.weight", names.AttentionNorm, layer);
            yield return Matrix(block + "attn_q.weight", names.Query, layer, _model.QueryDim, dim, halfSplit);
            yield return Matrix(block + "attn_k.weight", names.Key, layer, _model.KvDim, dim, halfSplit);
            yield return Matrix(block + "attn_v.weight", names.Value, layer, _model.KvDim, dim);
            yield return Matrix(block + "attn_output.weight", names.AttentionOutput, layer, dim, _model.QueryDim);
            yield return Norm(block + "ffn_norm.weight", names.FeedForwardNorm, layer);
            if (_model.IsSparse)
            {
                yield return Matrix(block + "ffn_gate_inp.weight", names.Router, layer, _model.ExpertCount, dim);
                yield return Experts(block + "ffn_gate_exps.weight", names.ExpertGate, layer, hidden, dim);
                yield return Experts(block + "ffn_up_exps.weight", names.ExpertUp, layer, hidden, dim);
                yield return Experts(block + "ffn_down_exps.weight", names.ExpertDown, layer, dim, hidden);
            }
            else
            {
                yield return Matrix(block + "ffn_gate.weight", names.Gate, layer, hidden, dim);
                yield return Matrix(block + "ffn_up.weight", names.Up, layer, hidden, dim);
                yield return Matrix(block + "ffn_down.weight", names.Down, layer, dim, hidden);
            }
        }
        yield return Norm("output_norm.weight", names.OutputNorm, 0);
        // A file with tied embeddings may repeat the matrix; the embedding serves.
        if (Config.TiedOutput) _used.Add(names.Output);
        else yield return Matrix("output.weight", names.Output, 0, _model.VocabSize, dim);
    }

    private CheckpointTensor Norm(string name, string pattern, int layer) =>
        new(name, [_model.Dim], [Find(NameOf(pattern, layer), _model.Dim)]);

    private CheckpointTensor Matrix(string name, string pattern, int layer, int rows, int cols, int halfSplit = 0) =>
        new(name, [cols, rows], [Find(NameOf(pattern, layer), rows, cols)], halfSplit);

    private CheckpointTensor Experts(string name, string pattern, int layer, int rows, int cols) =>
        new(name, [cols, rows, _model.ExpertCount],
            [.. Enumerable.Range(0, _model.ExpertCount).Select(expert => Find(NameOf(pattern, layer, expert), rows, cols))]);

    private StoredTensor Find(string name, params ReadOnlySpan<long> shape)
    {
        if (!_shards.Tensors.TryGetValue(name, out StoredTensor found))
            throw new ModelFileException(_shards.Folder, $"tensor '{name}' is missing.");
        SafetensorsTensor tensor = found.Tensor;
        if (!tensor.Shape.SequenceEqual(shape.ToArray()))
            throw new ModelFileException(found.File.Path,
                $"tensor '{name}' has the shape [{string.Join(", ", tensor.Shape)}]; the model's sizes want [{string.Join(", ", shape.ToArray())}].");
        if (tensor.Type is not ("BF16" or "F16" or "F32"))
            throw new ModelFileException(found.File.Path,
                $"tensor '{name}' has dtype {tensor.Type}; only BF16, F16 and F32 can be converted.");
        _used.Add(name);
        return found;
    }

    private static string NameOf(string pattern, int layer, int expert = 0) =>
        string.Format(CultureInfo.InvariantCulture, pattern, layer, expert);

    /// <summary>Tables that follow from the sizes.</summary>
    private static bool IsIgnored(string name) => name == "rope.freqs" || RopeTable().IsMatch(name);

    [GeneratedRegex(@"^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$", RegexOptions.CultureInvariant)]
    private static partial Regex RopeTable();
}
