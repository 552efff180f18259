using MixtralVk.Cpu.Bytes;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>What each kind of stage computes, with the kernels in this folder.</summary>
internal sealed unsafe class CpuStages(CpuWeights weights, CpuActivations activations, WorkerThreads threads, CpuStepRows step)
{
    private readonly ModelConfig _config = weights.Config;

    /// <summary>Told what every matrix is multiplied with; null observes nothing.</summary>
    public IMatrixInputs? Observer { get; set; }

    /// <summary>Runs a stage for the rows of the step.</summary>
    public void Run(Stage stage)
    {
        CpuActivations a = activations;
        if (stage.Kind == StageKind.Embedding) EmbeddingRows.Run(threads, weights.Embedding, a.Tokens, step.Count, a.Residual, a.Status);
        else if (stage.Kind == StageKind.Head) Head(stage);
        else
        {
            ref readonly CpuLayer layer = ref weights.Layers[stage.Layer];
            switch (stage.Kind)
            {
                case StageKind.Attention:
                    QueriesKeysValues(layer, stage);
                    Attend(stage.Layer);
                    AttentionOutput(layer, stage);
                    break;
                case StageKind.QueryKeyValue: QueriesKeysValues(layer, stage); break;
                case StageKind.Attend: Attend(stage.Layer); break;
                case StageKind.AttentionOutput: AttentionOutput(layer, stage); break;
                case StageKind.Router: Router(layer, stage.Layer); break;
                case StageKind.GateUp: GateUp(layer, stage); break;
                case StageKind.Down: Down(layer, stage); break;
            }
        }
    }

    private void QueriesKeysValues(in CpuLayer layer, Stage stage)
    {
        KeysValues(layer, stage);
        if (stage.Parts > 1) Queries(layer, stage);
        if (stage.IsLast) StoreKeys(stage.Layer);
        if (stage.Parts == 1) Queries(layer, stage); // in the last layer of the wanted rows only, which are those that are left
    }

    private void KeysValues(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = activations;
        if (stage.IsFirst)
        {
            // What the first norm of a layer finds was made by the layer before.
            RmsNorm.Run(threads, a.Residual, step.Count, _config.Dim, layer.AttentionNorm, _config.RmsEpsilon, a.Normed.Floats,
                a.Status, stage.Layer - 1);
            QuantizeRows.Run(threads, a.Normed, step.Count);
            ObserveRows(MatrixRole.Query, stage.Layer, a.Normed);
        }
        MatMul.Run(threads, layer.Key, a.Normed, step.Count, a.Key, part: stage.Part, parts: stage.Parts);
        MatMul.Run(threads, layer.Value, a.Normed, step.Count, a.Value, part: stage.Part, parts: stage.Parts);
    }

    private void StoreKeys(int layer)
    {
        CpuActivations a = activations;
        Rope.Run(threads, a.Key, step.Count, _config.KvHeadCount, _config.HeadDim, _config.RopeDim, a.RopeTable, step.Positions);
        KvWrite.Run(threads, a.Key, a.Value, step.Count, a.Cache, layer, a.Pages, step.Positions, a.Status);
        if (layer == _config.LayerCount - 1) KeepWantedRows();
    }

    private void Queries(in CpuLayer layer, Stage stage) =>
        MatMul.Run(threads, layer.Query, activations.Normed, step.Count, activations.Query, part: stage.Part, parts: stage.Parts);

    private void Attend(int layer)
    {
        CpuActivations a = activations;
        Rope.Run(threads, a.Query, step.Count, _config.HeadCount, _config.HeadDim, _config.RopeDim, a.RopeTable, step.Positions);
        Attention.Run(threads, a.Query, _config.HeadCount, step.Tiles, step.TileCount, step.Positions, a.PageTable,
            a.Cache, layer, a.Scratch,
            a.ScratchFloats, a.Attended.Floats);
        QuantizeRows.Run(threads, a.Attended, step.Count);
    }

    private void AttentionOutput(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = activations;
        if (stage.IsFirst) ObserveRows(MatrixRole.AttentionOutput, stage.Layer, a.Attended);
        MatMul.Run(threads, layer.AttentionOutput, a.Attended, step.Count, a.Residual, accumulate: true, stage.Part, stage.Parts);
        if (!stage.IsLast) return;
        RmsNorm.Run(threads, a.Residual, step.Count, _config.Dim, layer.FeedForwardNorm, _config.RmsEpsilon, a.Normed.Floats,
            a.Status, stage.Layer);
        QuantizeRows.Run(threads, a.Normed, step.Count);
        if (!_config.IsSparse) GroupTokens.Dense(step.Count, ref a.Groups);
    }

    private void Router(in CpuLayer layer, int index)
    {
        CpuActivations a = activations;
        RouterTopK.Run(threads, a.Normed.Floats, step.Count, layer.Router, _config.ExpertCount, _config.Dim,
            _config.ExpertsPerToken, a.RouterLogits,
            a.RouterIds, a.RouterWeights, a.Status, index);
        GroupTokens.Run(new ReadOnlySpan<int>(a.RouterIds, step.Count * _config.ExpertsPerToken), _config.ExpertCount, ref a.Groups);
    }

    private void GateUp(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = activations;
        if (stage.IsFirst) ObserveExperts(MatrixRole.GateProj, stage.Layer, a.Normed, a.Groups.TopK);
        ExpertGateUp.Run(threads, layer.Experts.Gate, layer.Experts.Up, a.Groups, a.Normed, a.Hidden.Floats, stage.Part, stage.Parts);
        if (stage.IsLast) QuantizeRows.Run(threads, a.Hidden, step.Count * a.Groups.TopK);
    }

    private void Down(in CpuLayer layer, Stage stage)
    {
        CpuActivations a = activations;
        if (stage.IsFirst) ObserveExperts(MatrixRole.DownProj, stage.Layer, a.Hidden, entriesPerRow: 1);
        ExpertDown.Run(threads, layer.Experts.Down, a.Groups, a.Hidden, a.ExpertOutputs, stage.Part, stage.Parts);
        if (!stage.IsLast) return;
        if (!_config.IsSparse) new Span<float>(a.RouterWeights, step.Count).Fill(1);
        CombineExperts.Run(threads, a.ExpertOutputs, a.RouterWeights, step.Count, a.Groups.TopK, _config.Dim, a.Residual);
    }

    private void Head(Stage stage)
    {
        CpuActivations a = activations;
        if (stage.IsFirst)
        {
            RmsNorm.Run(threads, a.Residual, step.Count, _config.Dim, weights.OutputNorm, _config.RmsEpsilon, a.Normed.Floats, a.Status,
                _config.LayerCount - 1);
            QuantizeRows.Run(threads, a.Normed, step.Count);
            ObserveRows(MatrixRole.Output, 0, a.Normed);
        }
        MatMul.Run(threads, weights.Output, a.Normed, step.Count, a.Logits, part: stage.Part, parts: stage.Parts);
        for (int row = 0; stage.IsLast && row < step.Count; row++)
            if (!Lanes.AllFinite(a.Logits + (long)row * _config.VocabSize, _config.VocabSize))
                StepStatus.Report(a.Status, _config.LayerCount);
    }

    private void ObserveRows(MatrixRole role, int layer, in ProductInput input)
    {
        for (int row = 0; Observer is not null && row < step.Count; row++)
            Observer.Observe(role, layer, 0, new ReadOnlySpan<float>(input.FloatsOf(row), input.Cols));
    }

    /// <summary>The rows each expert gets; an entry (token, slot) has the input row entry / <paramref name="entriesPerRow"/>.</summary>
    private void ObserveExperts(MatrixRole role, int layer, in ProductInput input, int entriesPerRow)
    {
        if (Observer is null) return;
        ref ExpertGroups groups = ref activations.Groups;
        for (int active = 0; active < groups.ActiveCount; active++)
        {
            int expert = groups.Active[active];
            for (int i = 0; i < groups.Counts[expert]; i++)
            {
                int row = groups.Entries[groups.Offsets[expert] + i] / entriesPerRow;
                Observer.Observe(role, layer, expert, new ReadOnlySpan<float>(input.FloatsOf(row), input.Cols));
            }
        }
    }

    /// <summary>
    /// In the last layer only rows whose logits are wanted go on, once the keys and values of all are written; queries may be there
    /// already.
    /// </summary>
    private void KeepWantedRows()
    {
        CpuActivations a = activations;
        ReadOnlySpan<int> wanted = step.Wanted;
        for (int i = 0; i < wanted.Length; i++)
        {
            Row(a.Residual, wanted[i], _config.Dim).CopyTo(Row(a.Residual, i, _config.Dim));
            Row(a.Normed.Floats, wanted[i], _config.Dim).CopyTo(Row(a.Normed.Floats, i, _config.Dim));
            Row(a.Query, wanted[i], _config.QueryDim).CopyTo(Row(a.Query, i, _config.QueryDim));
        }
        step.KeepWanted();
        QuantizeRows.Run(threads, a.Normed, step.Count);

        static Span<float> Row(float* matrix, int row, int length) => new(matrix + (long)row * length, length);
    }
}
