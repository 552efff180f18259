namespace MixtralVk.Reference;

/// <summary>
/// What a layer got and gave, for all tokens of the run. <see cref="Ids"/> and <see cref="Weights"/> are the router's choice
/// (tokens, topK), <see cref="RouterLogits"/> what it chose from (tokens, experts); all three are empty in dense models.
/// </summary>
/// <param name="Layer">Index of the layer.</param>
/// <param name="Input">(tokens, dim): residual stream before the layer.</param>
/// <param name="AfterAttention">(tokens, dim): residual stream between attention and feed-forward.</param>
/// <param name="Output">(tokens, dim): residual stream after the layer.</param>
public sealed record LayerTrace(int Layer, float[] Input, float[] AfterAttention, float[] Output, float[] RouterLogits,
    int[] Ids, float[] Weights);

/// <summary>The whole forward pass of a Mixtral-architecture model over plain arrays: the definition of correct.</summary>
public sealed class ReferenceModel(ReferenceConfig config, ReferenceWeights weights)
{
    private readonly Dictionary<(ReferenceTensor, int, int), float[]> _floats = [];

    /// <summary>The model's sizes.</summary>
    public ReferenceConfig Config => config;

    /// <summary>Logits (tokens, vocab) of a sequence that begins at position 0; <paramref name="onLayer"/> sees every layer.</summary>
    public float[] Logits(ReadOnlySpan<int> tokens, bool roundKv = false, Action<LayerTrace>? onLayer = null) =>
        Head(Residual(tokens, roundKv, onLayer));

    /// <summary>What the logits are computed from (tokens, dim): the residual stream after the last layer and the output norm.</summary>
    public float[] Hidden(ReadOnlySpan<int> tokens) =>
        RmsNorm.Run(Residual(tokens, false, null), Floats(ReferenceTensor.OutputNorm), config.RmsEpsilon);

    private float[] Residual(ReadOnlySpan<int> tokens, bool roundKv, Action<LayerTrace>? onLayer)
    {
        float[] residual = EmbeddingRows.Run(Floats(ReferenceTensor.TokenEmbedding), tokens, config.Dim);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            LayerTrace trace = Layer(layer, residual, roundKv);
            onLayer?.Invoke(trace);
            residual = trace.Output;
        }
        return residual;
    }

    /// <summary>One layer on the residual stream (tokens, dim) of positions 0, 1, 2 and so on.</summary>
    public LayerTrace Layer(int layer, float[] input, bool roundKv = false)
    {
        float[] afterAttention = Add(input, AttentionBlock(layer, input, roundKv));
        float[] normed = RmsNorm.Run(afterAttention, Floats(ReferenceTensor.FeedForwardNorm, layer), config.RmsEpsilon);
        if (config.ExpertCount == 0)
            return new LayerTrace(layer, input, afterAttention, Add(afterAttention, Expert(layer, 0, normed)), [], [], []);

        float[] router = Floats(ReferenceTensor.Router, layer);
        var (ids, chosenWeights) = RouterTopK.Run(normed, router, config.ExpertCount, config.ExpertsPerToken);
        float[] output = CombineExperts.Run(afterAttention, ExpertOutputs(layer, normed, ids), chosenWeights, config.ExpertsPerToken);
        return new LayerTrace(layer, input, afterAttention, output, MatMul.Run(router, normed, config.Dim), ids, chosenWeights);
    }

    /// <summary>Logits (tokens, vocab) of the residual stream (tokens, dim) after the last layer.</summary>
    public float[] Head(float[] residual) =>
        MatMul.Run(Floats(ReferenceTensor.Output),
            RmsNorm.Run(residual, Floats(ReferenceTensor.OutputNorm), config.RmsEpsilon), config.Dim);

    private float[] AttentionBlock(int layer, float[] input, bool roundKv)
    {
        int[] positions = [.. Enumerable.Range(0, input.Length / config.Dim)];
        float[] normed = RmsNorm.Run(input, Floats(ReferenceTensor.AttentionNorm, layer), config.RmsEpsilon);
        float[] q = Rotate(Project(ReferenceTensor.Query), positions);
        float[] k = KvWrite.Run(Rotate(Project(ReferenceTensor.Key), positions), roundKv);
        float[] v = KvWrite.Run(Project(ReferenceTensor.Value), roundKv);
        float[] attended = Attention.Run(q, k, v, positions, config.HeadCount, config.KvHeadCount, config.HeadDim);
        return MatMul.Run(Floats(ReferenceTensor.AttentionOutput, layer), attended, config.HeadCount * config.HeadDim);

        float[] Project(ReferenceTensor tensor) => MatMul.Run(Floats(tensor, layer), normed, config.Dim);
    }

    private float[] Rotate(float[] vectors, int[] positions) =>
        Rope.Run(vectors, positions, config.HeadDim, config.RopeExtension.Frequencies(config.RopeDim, config.RopeBase),
            config.RopeExtension.Magnitude);

    private float[] ExpertOutputs(int layer, float[] normed, int[] ids)
    {
        int dim = config.Dim, topK = config.ExpertsPerToken;
        var outputs = new float[ids.Length * dim];   // (token, topK, dim)
        var (counts, offsets, entries) = GroupTokens.Run(ids, config.ExpertCount);
        for (int e = 0; e < config.ExpertCount; e++)
        {
            if (counts[e] == 0) continue;
            int[] served = entries[offsets[e]..(offsets[e] + counts[e])];
            float[] gathered = [.. served.SelectMany(entry => normed.AsSpan(entry / topK * dim, dim).ToArray())];
            float[] expertOutput = Expert(layer, e, gathered);
            for (int i = 0; i < served.Length; i++) Array.Copy(expertOutput, i * dim, outputs, served[i] * dim, dim);
        }
        return outputs;
    }

    private float[] Expert(int layer, int expert, float[] input)
    {
        float[] hidden = ExpertGateUp.Run(
            Floats(ReferenceTensor.GateProj, layer, expert), Floats(ReferenceTensor.UpProj, layer, expert), input, config.Dim);
        return ExpertDown.Run(Floats(ReferenceTensor.DownProj, layer, expert), hidden, config.HiddenDim);
    }

    private float[] Floats(ReferenceTensor tensor, int layer = 0, int expert = 0)
    {
        if (!_floats.TryGetValue((tensor, layer, expert), out float[]? floats))
            _floats[(tensor, layer, expert)] = floats = Dequantize.All(weights(tensor, layer, expert));
        return floats;
    }

    private static float[] Add(float[] a, float[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
