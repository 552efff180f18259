namespace MixtralVk.Model;

/// <summary>What a stage of a forward step computes. A step may stop after any stage and go on later.</summary>
public enum StageKind
{
    /// <summary>Embedding rows of the tokens.</summary>
    Embedding,
    /// <summary>RMSNorm, Q/K/V, RoPE, KV write, attention, output projection, residual; then the feed-forward RMSNorm.</summary>
    Attention,
    /// <summary>Router logits, top-k and the grouping of tokens by expert. Absent in dense layers.</summary>
    Router,
    /// <summary>Gate and up projections with SwiGLU, of the chosen experts or of the dense block.</summary>
    GateUp,
    /// <summary>Down projections and their weighted sum onto the residual.</summary>
    Down,
    /// <summary>Output norm and head of the wanted rows.</summary>
    Head,
    /// <summary>Of an attention stage that is cut, or after which only wanted rows go on: RMSNorm, Q/K/V, RoPE, KV write.</summary>
    QueryKeyValue,
    /// <summary>Of such a stage: attention.</summary>
    Attend,
    /// <summary>Of such a stage: output projection, residual; then the feed-forward RMSNorm.</summary>
    AttentionOutput,
}

/// <summary>One stage of a step; <paramref name="Layer"/> is -1 outside the layers.</summary>
/// <param name="Kind">What it computes.</param>
/// <param name="Layer">For which layer.</param>
/// <param name="Part">Which part of it, where it is cut (<see cref="StageCut"/>).</param>
/// <param name="Parts">How many parts there are.</param>
public readonly record struct Stage(StageKind Kind, int Layer, int Part = 0, int Parts = 1)
{
    internal bool IsFirst => Part == 0;

    internal bool IsLast => Part == Parts - 1;
}

/// <summary>
/// Into how many parts stages are cut, so that a step can stop inside of what is long; 1 leaves them whole. A part is a range of rows of
/// every matrix concerned, of every expert, so that parts are alike whichever experts are chosen. No bit of a result depends on the cut.
/// </summary>
/// <param name="Attention">
/// Parts of the Q/K/V products and of the output projection; above 1 the attention between them is a stage of its own.
/// </param>
/// <param name="GateUp">Parts of the gate and up projections.</param>
/// <param name="Down">Parts of the down projections.</param>
/// <param name="Head">Parts of the head.</param>
public readonly record struct StageCut(int Attention, int GateUp, int Down, int Head)
{
    /// <summary>All stages whole.</summary>
    public static StageCut Whole => new(1, 1, 1, 1);

    /// <summary>Into how many parts such a stage is cut.</summary>
    internal int PartsOf(StageKind kind) => kind switch
    {
        StageKind.QueryKeyValue or StageKind.AttentionOutput => Attention,
        StageKind.GateUp => GateUp,
        StageKind.Down => Down,
        StageKind.Head => Head,
        _ => 1,
    };

    /// <summary>The stages of a step all of whose rows are wanted, in order.</summary>
    internal IEnumerable<Stage> OfWholeStep(ModelConfig config)
    {
        yield return new Stage(StageKind.Embedding, -1);
        for (int layer = 0; layer < config.LayerCount; layer++)
            foreach (Stage stage in OfLayer(layer, config)) yield return stage;
        foreach (Stage part in Parts(StageKind.Head, -1)) yield return part;
    }

    /// <summary>What all rows of other steps go through: up to the last layer's keys and values.</summary>
    internal IEnumerable<Stage> OfAllRows(ModelConfig config)
    {
        yield return new Stage(StageKind.Embedding, -1);
        for (int layer = 0; layer < config.LayerCount - 1; layer++)
            foreach (Stage stage in OfLayer(layer, config)) yield return stage;
        foreach (Stage part in Parts(StageKind.QueryKeyValue, config.LayerCount - 1)) yield return part;
    }

    /// <summary>What only their wanted rows go through, after that.</summary>
    internal IEnumerable<Stage> OfWantedRows(ModelConfig config)
    {
        int last = config.LayerCount - 1;
        yield return new Stage(StageKind.Attend, last);
        foreach (Stage part in Parts(StageKind.AttentionOutput, last)) yield return part;
        foreach (Stage stage in OfFeedForward(last, config)) yield return stage;
        foreach (Stage part in Parts(StageKind.Head, -1)) yield return part;
    }

    private IEnumerable<Stage> OfLayer(int layer, ModelConfig config)
    {
        if (Attention == 1) yield return new Stage(StageKind.Attention, layer);
        else
        {
            foreach (Stage part in Parts(StageKind.QueryKeyValue, layer)) yield return part;
            yield return new Stage(StageKind.Attend, layer);
            foreach (Stage part in Parts(StageKind.AttentionOutput, layer)) yield return part;
        }
        foreach (Stage stage in OfFeedForward(layer, config)) yield return stage;
    }

    private IEnumerable<Stage> OfFeedForward(int layer, ModelConfig config)
    {
        if (config.IsSparse) yield return new Stage(StageKind.Router, layer);
        foreach (Stage part in Parts(StageKind.GateUp, layer)) yield return part;
        foreach (Stage part in Parts(StageKind.Down, layer)) yield return part;
    }

    private IEnumerable<Stage> Parts(StageKind kind, int layer)
    {
        int parts = PartsOf(kind);
        for (int part = 0; part < parts; part++) yield return new Stage(kind, layer, part, parts);
    }
}
