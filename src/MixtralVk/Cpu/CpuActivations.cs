using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// Everything a step writes, allocated once. A row is a token of the step; T = most tokens of a step, K = experts per token.
/// </summary>
internal sealed unsafe class CpuActivations : IDisposable
{
    private readonly ActivationMemory _memory = new();

    public CpuActivations(ModelConfig config, int contextLength, int maxTokens, KvFormat kvFormat, int pageCount, int workers,
        CpuArithmetic arithmetic)
    {
        long t = maxTokens, k = Math.Max(1, config.ExpertsPerToken), experts = Math.Max(1, config.ExpertCount);
        int pagesPerSequence = (contextLength + KvPages.PageTokens - 1) / KvPages.PageTokens;
        try
        {
            Residual = _memory.Floats(t * config.Dim);
            Normed = _memory.Input(t, config.Dim, arithmetic);
            Query = _memory.Floats(t * config.QueryDim);
            Key = _memory.Floats(t * config.KvDim);
            Value = _memory.Floats(t * config.KvDim);
            Attended = _memory.Input(t, config.QueryDim, arithmetic);
            RouterLogits = _memory.Floats(t * experts);
            RouterIds = _memory.Ints(t * k);
            RouterWeights = _memory.Floats(t * k);
            Hidden = _memory.Input(t * k, config.HiddenDim, arithmetic);
            ExpertOutputs = _memory.Floats(t * k * config.Dim);
            Logits = _memory.Floats(t * config.VocabSize);
            Groups = _memory.Groups((int)k, experts, t * k);
            Tokens = _memory.Ints(t);
            Positions = _memory.Ints(t);
            Pages = _memory.Ints(t);
            WantedPositions = _memory.Ints(t);
            PageTable = _memory.Ints(t * pagesPerSequence);
            Tiles = (QueryTile*)_memory.Bytes(t * sizeof(QueryTile));
            WantedTiles = (QueryTile*)_memory.Bytes(t * sizeof(QueryTile));
            Status = _memory.Ints(1);
            RopeTable = _memory.Floats((long)contextLength * config.RopeDim);
            Model.RopeTable.Fill(config, new Span<float>(RopeTable, checked(contextLength * config.RopeDim)));
            ScratchFloats = Attention.ScratchFloats(config.HeadCount, config.KvHeadCount, config.HeadDim);
            Scratch = _memory.Floats(workers * ScratchFloats);
            Cache = new KvCache(null, kvFormat, pageCount, config.KvHeadCount, config.HeadDim);
            Cache = new KvCache(_memory.Bytes(Cache.Bytes(config.LayerCount)), kvFormat, pageCount, config.KvHeadCount, config.HeadDim);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>(T, dim)</summary>
    public float* Residual { get; }
    /// <summary>(T, dim): the residual after the latest RMSNorm</summary>
    public ProductInput Normed { get; }
    /// <summary>(T, heads, headDim)</summary>
    public float* Query { get; }
    /// <summary>(T, kvHeads, headDim)</summary>
    public float* Key { get; }
    /// <summary>(T, kvHeads, headDim)</summary>
    public float* Value { get; }
    /// <summary>(T, heads, headDim)</summary>
    public ProductInput Attended { get; }
    /// <summary>(T, experts)</summary>
    public float* RouterLogits { get; }
    /// <summary>(T, K)</summary>
    public int* RouterIds { get; }
    /// <summary>(T, K)</summary>
    public float* RouterWeights { get; }
    /// <summary>(T, K, hidden)</summary>
    public ProductInput Hidden { get; }
    /// <summary>(T, K, dim)</summary>
    public float* ExpertOutputs { get; }
    /// <summary>(T, vocab)</summary>
    public float* Logits { get; }
    /// <summary>(T): token ids, positions and pages</summary>
    public int* Tokens { get; }
    /// <summary>(T)</summary>
    public int* Positions { get; }
    /// <summary>(T)</summary>
    public int* Pages { get; }
    /// <summary>(T): positions of the rows whose logits are wanted</summary>
    public int* WantedPositions { get; }
    /// <summary>Pages of each sequence, one sequence after the other.</summary>
    public int* PageTable { get; }
    /// <summary>Query tiles of all rows.</summary>
    public QueryTile* Tiles { get; }
    /// <summary>Query tiles of the rows whose logits are wanted.</summary>
    public QueryTile* WantedTiles { get; }
    /// <summary>One word, see <see cref="StepStatus"/>.</summary>
    public int* Status { get; }
    /// <summary>(position, ropeDim / 2) of (cos, sin)</summary>
    public float* RopeTable { get; }
    /// <summary>(workers, <see cref="ScratchFloats"/>)</summary>
    public float* Scratch { get; }
    /// <summary>Scratch of one worker.</summary>
    public long ScratchFloats { get; }
    /// <summary>Keys and values.</summary>
    public KvCache Cache { get; }

    /// <summary>The router's choices sorted by expert.</summary>
    public ExpertGroups Groups;

    public void Dispose() => _memory.Dispose();
}
