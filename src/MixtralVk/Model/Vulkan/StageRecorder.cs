using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// Everything on the device that the stages of a model work on; <paramref name="Parts"/> is null where no product is split over workgroups,
/// <paramref name="Quants"/> where none has packed dot products, <paramref name="Exchange"/> where all experts are on the device for good.
/// </summary>
internal sealed record ModelOnDevice(ModelConfig Config, KvFormat KvFormat, GpuWeights Weights, GpuKvCache Cache, Activations Activations,
    StepParameters Parameters, GpuBuffer RopeTable, ProductChoices Products, GpuBuffer? Parts, GpuBuffer? Quants, ExpertExchange? Exchange);

/// <summary>
/// Records the stages of a model for one set of rows and one row-count class. Sites (what a kernel reports on a value that is not finite)
/// are the layer that made the value plus one: 0 the embedding, layerCount + 1 the head.
/// </summary>
internal sealed partial class StageRecorder(ModelOnDevice model, Recorder recorder, StageCut cut, uint maxRows, AttentionPlan plan,
    RowSet rows, BufferView residual)
{
    private readonly ModelConfig _config = model.Config;
    private readonly Activations _activations = model.Activations;
    private readonly TokenClass _tokens = TokenClasses.Of(maxRows);
    private uint Dim => (uint)_config.Dim;
    private uint Heads => (uint)_config.HeadCount;
    private uint KvHeads => (uint)_config.KvHeadCount;
    private uint HeadDim => (uint)_config.HeadDim;
    private uint QkvDim => (uint)(_config.QueryDim + 2 * _config.KvDim);
    private uint Experts => (uint)Math.Max(1, _config.ExpertCount);
    private uint TopK => (uint)Math.Max(1, _config.ExpertsPerToken);

    /// <summary>Stages recorded so far.</summary>
    public int StageCount => recorder.StageCount;

    /// <summary>
    /// A stage of a step, or a part of one, for all rows. Where the host may compute experts, the sum over a layer's experts is recorded as
    /// a stage of its own, and of experts in no slots nothing else.
    /// </summary>
    public void Record(Stage stage)
    {
        if (stage.Kind is StageKind.GateUp or StageKind.Down && SlotCount(stage.Layer) == 0)
        {
            if (stage is { Kind: StageKind.Down, IsLast: true }) Combine(stage);
            return;
        }
        recorder.BeginStage(NameOf(stage));
        switch (stage.Kind)
        {
            case StageKind.Embedding: Embedding(); break;
            case StageKind.Attention:
                QueriesKeysValues(stage);
                Attend(stage.Layer, _activations.Qkv, QkvDim);
                AttentionOutput(stage);
                break;
            case StageKind.QueryKeyValue: QueriesKeysValues(stage); break;
            case StageKind.Attend when rows == model.Parameters.Outputs: AttendWanted(stage.Layer); break;
            case StageKind.Attend: Attend(stage.Layer, _activations.Qkv, QkvDim); break;
            case StageKind.AttentionOutput: AttentionOutput(stage); break;
            case StageKind.Router: Router(stage.Layer); break;
            case StageKind.GateUp: GateUp(stage); break;
            case StageKind.Down: Down(stage); break;
            case StageKind.Head: Head(stage); break;
        }
    }

    /// <summary>The status for the host: the end of a step without wanted rows.</summary>
    public void RecordStatus()
    {
        recorder.BeginStage("status");
        recorder.Copy(_activations.Status, _activations.StatusReadBack.View);
    }

    private static string NameOf(Stage stage) =>
        (stage.Layer < 0 ? "" : $"layer {stage.Layer} ") + stage.Kind + (stage.Parts == 1 ? "" : $" {stage.Part + 1}/{stage.Parts}");

    /// <summary>residual = embedding rows of the tokens. Also clears the status.</summary>
    private void Embedding()
    {
        recorder.Fill(_activations.Status, uint.MaxValue);
        GpuMatrix matrix = model.Weights.Embedding;
        using IDisposable disjoint = recorder.Concurrent();
        foreach (TileRange range in matrix.Ranges)
            recorder.Dispatch(new EmbeddingRows(matrix.Format, range.View, rows.Rows, model.Parameters.TokenIds, residual, matrix.Cols,
                range.FirstRow, range.RowCount, maxRows));
    }

    /// <summary>Logits of every row; they and the status for the host: the end of a step with wanted rows.</summary>
    private void Head(Stage stage)
    {
        if (stage.IsFirst) Norm(model.Weights.OutputNorm, (uint)_config.LayerCount);
        Products([new StackedMatrix(model.Weights.Output, 0)], _activations.Normed, _activations.Logits, (uint)_config.VocabSize,
            accumulate: false, stage);
        if (!stage.IsLast) return;
        recorder.Dispatch(new FiniteCheck(rows.Rows, _activations.Logits, _activations.Status, (uint)_config.VocabSize,
            (uint)_config.LayerCount + 1, maxRows));
        recorder.Copy(_activations.Status, _activations.StatusReadBack.View);
        ulong bytes = (ulong)maxRows * (ulong)_config.VocabSize * 4;
        recorder.Copy(_activations.Logits.Slice(0, bytes), _activations.LogitsReadBack.View.Slice(0, bytes));
    }

    /// <summary>What the head read, for the host.</summary>
    public void RecordHidden()
    {
        recorder.BeginStage("hidden state");
        recorder.Copy(_activations.Normed, _activations.HiddenReadBack.View);
    }

    private static uint SiteOf(int layer) => (uint)layer + 1;

    private void QueriesKeysValues(Stage stage)
    {
        int layer = stage.Layer;
        LayerWeights weights = model.Weights.Layers[layer];
        if (stage.IsFirst) Norm(weights.AttentionNorm, (uint)layer);
        Products(weights.QueryKeyValue, _activations.Normed, _activations.Qkv, QkvDim, accumulate: false, stage);
        if (!stage.IsLast) return;
        recorder.Dispatch(new RopeKvWrite(model.KvFormat, rows.Rows, rows.Positions, rows.Owners, model.Parameters.PageTables,
            model.RopeTable.View, _activations.Qkv,
            model.Cache.Keys(layer), model.Cache.Values(layer), Heads, KvHeads, HeadDim, (uint)_config.RopeDim,
            model.Parameters.MaxPages, maxRows));
    }

    /// <param name="layer">The layer.</param>
    /// <param name="queries">(rows, <paramref name="queryStride"/>), the heads of a row at its start.</param>
    /// <param name="queryStride">Length of a row.</param>
    private void Attend(int layer, BufferView queries, uint queryStride)
    {
        BufferView keys = model.Cache.Keys(layer), values = model.Cache.Values(layer), pages = model.Parameters.PageTables;
        if (plan.IsSplit)
        {
            recorder.DispatchIndirect(new AttentionSplit(model.KvFormat, rows.Tiles, rows.Positions, rows.Owners, pages, queries, keys,
                values, _activations.Partials,
                Heads, KvHeads, HeadDim, queryStride, model.Parameters.MaxPages, _activations.MaxSplits, plan.Block, plan.PassingLanes,
                plan.Form, maxRows), rows.AttentionSize);
            recorder.Dispatch(new AttentionMerge(rows.Rows, rows.Positions, _activations.Partials, _activations.Attended, Heads, HeadDim,
                _activations.MaxSplits, maxRows));
        }
        else
        {
            recorder.DispatchIndirect(new AttentionPrefill(model.KvFormat, rows.Tiles, rows.Positions, rows.Owners, pages, queries, keys,
                values, _activations.Attended,
                Heads, KvHeads, HeadDim, queryStride, model.Parameters.MaxPages, plan.Block, plan.PassingLanes, plan.Form, maxRows),
                    rows.AttentionSize);
        }
    }

    /// <summary>The last layer's attention for wanted rows; gathers them, and their queries, first.</summary>
    private void AttendWanted(int layer)
    {
        uint queryDim = (uint)_config.QueryDim;
        recorder.Dispatch(new GatherRows(rows.Rows, model.Parameters.OutputRows, _activations.Residual, residual, Dim, Dim, maxRows));
        recorder.Dispatch(new GatherRows(rows.Rows, model.Parameters.OutputRows, _activations.Qkv, _activations.OutputQueries,
            queryDim, QkvDim, maxRows));
        Attend(layer, _activations.OutputQueries, queryDim);
    }

    private void AttentionOutput(Stage stage)
    {
        LayerWeights weights = model.Weights.Layers[stage.Layer];
        Products([new StackedMatrix(weights.AttentionOutput, 0)], _activations.Attended, residual, Dim, accumulate: true, stage);
        if (stage.IsLast) Norm(weights.FeedForwardNorm, SiteOf(stage.Layer));
    }

    private void Norm(GpuBuffer weight, uint site) =>
        recorder.Dispatch(new RmsNorm(rows.Rows, residual, weight.View, _activations.Normed, _activations.Status, Dim,
            _config.RmsEpsilon, site, maxRows));

    /// <summary>A part of the products of one input with matrices that fill different columns of the output.</summary>
    private void Products(IReadOnlyList<StackedMatrix> matrices, BufferView input, BufferView output, uint outputStride,
        bool accumulate, Stage stage)
    {
        Quantize(stage.IsFirst && matrices.Any(m => VariantOf(m.Matrix).Arithmetic == Arithmetic.PackedInt8), input,
            matrices[0].Matrix.Cols, 1);
        using (recorder.Concurrent())
            foreach ((GpuMatrix matrix, uint firstRow) in matrices)
            {
                ProductVariant variant = VariantOf(matrix);
                bool isSplit = variant.WorkgroupSplits > 1;
                BufferView to = PartsOr(output, variant.WorkgroupSplits, maxRows, outputStride);
                foreach (TileRange range in matrix.RangesOf(stage.Part, stage.Parts))
                    recorder.Dispatch(
                        new MatMul(matrix.Format, range.View, rows.Rows, input, to, matrix.Cols, range.RowCount, firstRow + range.FirstRow,
                        outputStride, accumulate && !isSplit, maxRows, variant, AddParts.StrideOf(maxRows, outputStride), Quants));
            }
        using (recorder.Concurrent())
            foreach ((GpuMatrix matrix, uint firstRow) in stage.IsLast ? matrices : [])
                if (VariantOf(matrix).WorkgroupSplits is > 1 and var splits)
                    AddUp(output, splits, isGated: false, accumulate, 1, firstRow, matrix.Rows, outputStride);

        ProductVariant VariantOf(GpuMatrix matrix) => model.Products.For(matrix.ShapeFor(ProductKind.Dense), _tokens);
    }

    /// <summary>
    /// Where a product writes (rows, outputStride): the output, or with splits over workgroups its parts, behind those of
    /// <paramref name="skipped"/> other matrices.
    /// </summary>
    private BufferView PartsOr(BufferView output, uint splits, uint outputRows, uint outputStride, uint skipped = 0, uint matrices = 1)
    {
        ulong bytes = (ulong)splits * AddParts.StrideOf(outputRows, outputStride) * sizeof(float);
        return splits > 1 ? model.Parts!.View.Slice(skipped * bytes, matrices * bytes) : output;
    }

    private void AddUp(BufferView output, uint splits, bool isGated, bool accumulate, uint rowFactor, uint firstCol, uint colCount,
        uint outputStride) =>
        recorder.Dispatch(new AddParts(rows.Rows, PartsOr(output, splits, maxRows * rowFactor, outputStride, matrices: isGated ? 2u : 1u),
            output, splits, isGated,
            accumulate, rowFactor, firstCol, colCount, outputStride, AddParts.StrideOf(maxRows * rowFactor, outputStride), maxRows));

    private BufferView Quants => model.Quants?.View ?? default;

    /// <summary>Rounds the input of the next products where one of them multiplies bytes; products that follow share it.</summary>
    private void Quantize(bool isPacked, BufferView input, uint cols, uint rowFactor)
    {
        if (isPacked) recorder.Dispatch(new QuantizeRows(rows.Rows, input, Quants, cols, rowFactor, maxRows));
    }
}
