namespace MixtralVk.Reference;

/// <summary>The sizes of a model; <paramref name="ExpertCount"/> 0 means dense.</summary>
public sealed record ReferenceConfig(int LayerCount, int Dim, int HeadCount, int KvHeadCount, int HeadDim, int HiddenDim, int ExpertCount,
    int ExpertsPerToken, int VocabSize, int RopeDim, float RopeBase, float RmsEpsilon)
{
    /// <summary>How the context was extended.</summary>
    public RopeExtension RopeExtension { get; init; } = RopeExtension.None;
}

/// <summary>The tensors of a model.</summary>
public enum ReferenceTensor
{
    /// <summary>(vocab, dim)</summary>
    TokenEmbedding,
    /// <summary>(dim)</summary>
    AttentionNorm,
    /// <summary>(heads * headDim, dim)</summary>
    Query,
    /// <summary>(kvHeads * headDim, dim)</summary>
    Key,
    /// <summary>(kvHeads * headDim, dim)</summary>
    Value,
    /// <summary>(dim, heads * headDim)</summary>
    AttentionOutput,
    /// <summary>(dim)</summary>
    FeedForwardNorm,
    /// <summary>(experts, dim)</summary>
    Router,
    /// <summary>(hidden, dim), of one expert</summary>
    GateProj,
    /// <summary>(hidden, dim), of one expert</summary>
    UpProj,
    /// <summary>(dim, hidden), of one expert</summary>
    DownProj,
    /// <summary>(dim)</summary>
    OutputNorm,
    /// <summary>(vocab, dim)</summary>
    Output,
}

/// <summary>Gives a tensor; <paramref name="layer"/> is 0 outside the layers, <paramref name="expert"/> 0 outside experts.</summary>
public delegate RawTensor ReferenceWeights(ReferenceTensor tensor, int layer, int expert);
