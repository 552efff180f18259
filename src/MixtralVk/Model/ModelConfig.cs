namespace MixtralVk.Model;

/// <summary>The sizes of a Mixtral-architecture model, as its file states them. Nothing in the engine hard-codes any of these.</summary>
public sealed record ModelConfig
{
    /// <summary>Name the file gives itself; may be empty.</summary>
    public required string Name { get; init; }
    /// <summary>Number of transformer layers.</summary>
    public required int LayerCount { get; init; }
    /// <summary>Length of the residual stream.</summary>
    public required int Dim { get; init; }
    /// <summary>Number of query heads.</summary>
    public required int HeadCount { get; init; }
    /// <summary>Number of key/value heads; divides <see cref="HeadCount"/>.</summary>
    public required int KvHeadCount { get; init; }
    /// <summary>Length of one head; even.</summary>
    public required int HeadDim { get; init; }
    /// <summary>Hidden length of one expert, or of the feed-forward block of a dense model.</summary>
    public required int HiddenDim { get; init; }
    /// <summary>Number of experts per layer; 0 for a dense model.</summary>
    public required int ExpertCount { get; init; }
    /// <summary>Experts the router picks per token (top-k); 0 for a dense model.</summary>
    public required int ExpertsPerToken { get; init; }
    /// <summary>Number of tokens in the vocabulary.</summary>
    public required int VocabSize { get; init; }
    /// <summary>Longest context in tokens the model was made for, and that its file's sliding window, if any, does not cut.</summary>
    public required int ContextLength { get; init; }
    /// <summary>RoPE base frequency.</summary>
    public required float RopeBase { get; init; }
    /// <summary>
    /// Leading dimensions of a head that RoPE rotates, in interleaved pairs (2i, 2i+1); even, at most <see cref="HeadDim"/>.
    /// </summary>
    public required int RopeDim { get; init; }
    /// <summary>How positions beyond those of the training are brought back into its range.</summary>
    public RopeScaling RopeScaling { get; init; } = RopeScaling.None;
    /// <summary>What each pair's frequency is divided by, besides <see cref="RopeScaling"/>: ropeDim / 2 numbers, or none.</summary>
    public IReadOnlyList<float> RopeFactors { get; init; } = [];
    /// <summary>Epsilon of every RMSNorm.</summary>
    public required float RmsEpsilon { get; init; }

    /// <summary>True for a sparse mixture of experts, false for a dense feed-forward block.</summary>
    public bool IsSparse => ExpertCount > 0;
    /// <summary>Length of all query heads side by side.</summary>
    public int QueryDim => HeadCount * HeadDim;
    /// <summary>Length of all key (or value) heads side by side.</summary>
    public int KvDim => KvHeadCount * HeadDim;
}
