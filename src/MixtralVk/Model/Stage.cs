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
    /// <summary>Of an attention stage that is cut: RMSNorm, Q/K/V, RoPE, KV write.</summary>
    QueryKeyValue,
    /// <summary>Of an attention stage that is cut: attention.</summary>
    Attend,
    /// <summary>Of an attention stage that is cut: output projection, residual; then the feed-forward RMSNorm.</summary>
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
/// Into how many parts stages are cut, so that a step can stop inside of what is long; 1 leaves them whole. A part is a range of rows of every
/// matrix concerned, of every expert, so that parts are alike whichever experts are chosen. No bit of a result depends on the cut.
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

    /// <summary>The stages of a step of such a model, in order.</summary>
    internal IEnumerable<Stage> StagesOf(ModelConfig config)
    {
        yield return new Stage(StageKind.Embedding, -1);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            if (Attention == 1) yield return new Stage(StageKind.Attention, layer);
            else
            {
                foreach (Stage part in PartsOf(StageKind.QueryKeyValue, layer, Attention)) yield return part;
                yield return new Stage(StageKind.Attend, layer);
                foreach (Stage part in PartsOf(StageKind.AttentionOutput, layer, Attention)) yield return part;
            }
            if (config.IsSparse) yield return new Stage(StageKind.Router, layer);
            foreach (Stage part in PartsOf(StageKind.GateUp, layer, GateUp)) yield return part;
            foreach (Stage part in PartsOf(StageKind.Down, layer, Down)) yield return part;
        }
        foreach (Stage part in PartsOf(StageKind.Head, -1, Head)) yield return part;
    }

    private static IEnumerable<Stage> PartsOf(StageKind kind, int layer, int parts) => Enumerable.Range(0, parts).Select(part => new Stage(kind, layer, part, parts));
}
