using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Reference;

namespace MixtralVk.Testing;

/// <summary>Opens GGUF files for the reference, which sees raw blocks and knows nothing of the row-tile layout.</summary>
public static class ReferenceModels
{
    /// <summary>The reference model of a file; its tensors are copied, so the file may go afterwards once they were used.</summary>
    public static ReferenceModel Open(string path)
    {
        ReferenceConfig config;
        using (ModelSource source = ModelSource.Open(path)) config = ConfigOf(source.Config);
        var tensors = new Dictionary<string, RawTensor>();
        using GgufFile file = GgufFile.Open(path);
        foreach (GgufTensor tensor in file.Tensors.Values)
            tensors.Add(tensor.Name, new RawTensor(TypeOf(tensor.Type), file.Rows(tensor, 0, (int)tensor.RowCount).ToArray()));
        return new ReferenceModel(config, (tensor, layer, expert) => Find(tensors, config, tensor, layer, expert));
    }

    /// <summary>The reference's own form of a model's sizes.</summary>
    public static ReferenceConfig ConfigOf(ModelConfig c) =>
        new(c.LayerCount, c.Dim, c.HeadCount, c.KvHeadCount, c.HeadDim, c.HiddenDim, c.ExpertCount,
        c.ExpertsPerToken, c.VocabSize, c.RopeDim, c.RopeBase, c.RmsEpsilon)
    {
        RopeExtension = new RopeExtension(c.RopeScaling.Kind == RopeScalingKind.Yarn, c.RopeScaling.Factor, c.RopeScaling.AttentionFactor,
            c.RopeScaling.OriginalContext, c.RopeScaling.BetaFast, c.RopeScaling.BetaSlow, [.. c.RopeFactors]),
    };

    /// <summary>The reference's own form of a GGUF type.</summary>
    public static TensorType TypeOf(GgmlType type) => Enum.Parse<TensorType>(type.ToString());

    private static RawTensor Find(Dictionary<string, RawTensor> tensors, ReferenceConfig config, ReferenceTensor tensor,
        int layer, int expert)
    {
        bool sparse = config.ExpertCount > 0;
        string experts = sparse ? "_exps" : "";
        string name = tensor switch
        {
            ReferenceTensor.TokenEmbedding => "token_embd",
            ReferenceTensor.AttentionNorm => $"blk.{layer}.attn_norm",
            ReferenceTensor.Query => $"blk.{layer}.attn_q",
            ReferenceTensor.Key => $"blk.{layer}.attn_k",
            ReferenceTensor.Value => $"blk.{layer}.attn_v",
            ReferenceTensor.AttentionOutput => $"blk.{layer}.attn_output",
            ReferenceTensor.FeedForwardNorm => $"blk.{layer}.ffn_norm",
            ReferenceTensor.Router => $"blk.{layer}.ffn_gate_inp",
            ReferenceTensor.GateProj => $"blk.{layer}.ffn_gate{experts}",
            ReferenceTensor.UpProj => $"blk.{layer}.ffn_up{experts}",
            ReferenceTensor.DownProj => $"blk.{layer}.ffn_down{experts}",
            ReferenceTensor.OutputNorm => "output_norm",
            ReferenceTensor.Output => tensors.ContainsKey("output.weight") ? "output" : "token_embd",
        };
        if (experts.Length > 0 && name.EndsWith(experts, StringComparison.Ordinal)
            && tensors.TryGetValue(name.Replace(experts, $".{expert}.weight"), out RawTensor? separate))
            return separate;
        RawTensor whole = tensors[name + ".weight"];
        if (!sparse || tensor is not (ReferenceTensor.GateProj or ReferenceTensor.UpProj or ReferenceTensor.DownProj)) return whole;
        int bytes = whole.Bytes.Length / config.ExpertCount;
        return whole with { Bytes = whole.Bytes[(expert * bytes)..((expert + 1) * bytes)] };
    }
}
