using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// The feed-forward block: the router, the experts that are on the device, and the sum over those chosen. A dense block is one expert that
/// every row chooses.
/// </summary>
internal sealed partial class StageRecorder
{
    /// <summary>
    /// Router logits and top-k; then the entries and dispatch sizes of each expert, or what the host needs to compute experts.
    /// </summary>
    private void Router(int layer)
    {
        recorder.Dispatch(new RouterTopK(rows.Rows, _activations.Normed, model.Weights.Layers[layer].Router!.View, _activations.ExpertIds,
            _activations.ExpertWeights, _activations.Status, Dim, Experts, TopK, SiteOf(layer), maxRows));
        if (model.Exchange is not { } exchange)
        {
            GroupByExpert(layer);
            return;
        }
        ulong idBytes = maxRows * TopK * sizeof(uint), inputBytes = (ulong)maxRows * Dim * sizeof(float);
        recorder.Copy(_activations.ExpertIds.Slice(0, idBytes), exchange.IdsOf(layer).Slice(0, idBytes));
        recorder.Copy(_activations.Normed.Slice(0, inputBytes), exchange.Inputs.View.Slice(0, inputBytes));
        Timestamp(layer, ExpertExchange.Routed);
    }

    /// <summary>hidden = silu(gate x) * (up x) for every entry of every expert.</summary>
    private void GateUp(Stage stage)
    {
        int layer = stage.Layer;
        if (stage.IsFirst) Timestamp(layer, ExpertExchange.Begun);
        // A dense block is one expert that every row chooses (ids 0, weights 1 since loading). Where experts move, the host has looked at
        // the choices only now.
        if (stage.IsFirst && (!_config.IsSparse || model.Exchange is not null)) GroupByExpert(layer);
        var (isFused, variants, _) = ExpertsOf(layer);
        uint hidden = (uint)_config.HiddenDim, splits = variants.Wide.WorkgroupSplits, entries = maxRows * TopK;
        BufferView gateOutput = PartsOr(_activations.Hidden, splits, entries, hidden, matrices: 2),
            upOutput = PartsOr(_activations.HiddenUp, splits, entries, hidden, skipped: 1);
        Quantize(stage.IsFirst && variants.Wide.Arithmetic == Arithmetic.PackedInt8, _activations.Normed, Dim, 1);
        using (recorder.Concurrent())
        {
            for (uint slot = 0; slot < SlotCount(layer); slot++)
            {
                ExpertWeights weights = WeightsIn(layer, slot);
                if (isFused) FusedGateUp(weights, gateOutput, slot, variants, stage);
                else
                {
                    ExpertProduct(weights.Gate, _activations.Normed, gateOutput, slot, TopK, variants, stage);
                    ExpertProduct(weights.Up, _activations.Normed, upOutput, slot, TopK, variants, stage);
                }
            }
        }
        if (!stage.IsLast) return;
        if (splits > 1) AddUp(_activations.Hidden, splits, isGated: true, accumulate: false, TopK, 0, hidden, hidden);
        else if (!isFused)
            recorder.Dispatch(
                new SwiGlu(rows.Rows, _activations.Hidden, _activations.HiddenUp, _activations.Hidden, hidden, TopK, maxRows));
    }

    /// <summary>residual += sum over the chosen experts of weight * (down hidden).</summary>
    private void Down(Stage stage)
    {
        ExpertVariants variants = ExpertsOf(stage.Layer).Down;
        uint splits = variants.Wide.WorkgroupSplits;
        BufferView output = PartsOr(_activations.ExpertOutput, splits, maxRows * TopK, Dim);
        Quantize(stage.IsFirst && variants.Wide.Arithmetic == Arithmetic.PackedInt8, _activations.Hidden, (uint)_config.HiddenDim, TopK);
        using (recorder.Concurrent())
        {
            for (uint slot = 0; slot < SlotCount(stage.Layer); slot++)
                ExpertProduct(WeightsIn(stage.Layer, slot).Down, _activations.Hidden, output, slot, 1, variants, stage);
        }
        if (!stage.IsLast) return;
        if (splits > 1) AddUp(_activations.ExpertOutput, splits, isGated: false, accumulate: false, TopK, 0, Dim, Dim);
        Timestamp(stage.Layer, ExpertExchange.Done);
        Combine(stage);
    }

    private void Timestamp(int layer, int index)
    {
        if (model.Exchange?.TimerOf(layer) is { } timer) recorder.Timestamp(timer, index);
    }

    /// <summary>The weighted sum over the chosen experts, of which some may be the host's.</summary>
    private void Combine(Stage stage)
    {
        if (model.Exchange is not null) recorder.BeginStage($"layer {stage.Layer} sum");
        recorder.Dispatch(new CombineExperts(rows.Rows, _activations.ExpertOutput,
            model.Exchange?.Outputs.View ?? _activations.ExpertOutput, _activations.ExpertIds,
            model.Weights.Experts.TableOf(stage.Layer), _activations.ExpertWeights, residual, Dim, TopK, model.Exchange is not null,
            SlotCount(stage.Layer) + (ServesGuests(stage.Layer) ? 1u : 0), maxRows));
    }

    /// <summary>What is recorded for a prompt goes through the landing, too.</summary>
    private bool ServesGuests(int layer) => _tokens == TokenClass.Chunk && model.Weights.Experts.ServesGuests(layer);

    /// <summary>Slots of a layer, the landing behind them where it counts as one.</summary>
    private uint SlotCount(int layer) => (uint)model.Weights.Experts.Slots.CountOf(layer) + (ServesGuests(layer) ? 1u : 0);

    private ExpertWeights WeightsIn(int layer, uint slot)
    {
        DeviceExperts experts = model.Weights.Experts;
        return slot < experts.Slots.CountOf(layer) ? experts[layer, (int)slot] : experts.Landed(new ExpertId(layer, 0));
    }

    private ExpertProducts ExpertsOf(int layer) => ExpertProducts.Of(model.Weights.Experts.LayoutsOf(layer), model.Products, _tokens);

    private void GroupByExpert(int layer)
    {
        ExpertWeights first = WeightsIn(layer, 0);
        var (_, gateUp, down) = ExpertsOf(layer);
        recorder.Dispatch(new GroupTokens(rows.Rows, _activations.ExpertIds, model.Weights.Experts.TableOf(layer), _activations.Groups,
            _activations.Entries, _activations.Arguments,
            Experts, SlotCount(layer), TopK,
            ExpertGrids.Of(gateUp, Math.Max(first.Gate.LargestRangeOf(cut.GateUp), first.Up.LargestRangeOf(cut.GateUp))),
            ExpertGrids.Of(down, first.Down.LargestRangeOf(cut.Down)), maxRows));
    }

    private void FusedGateUp(ExpertWeights weights, BufferView output, uint slot, ExpertVariants variants, Stage stage)
    {
        GpuMatrix gate = weights.Gate, up = weights.Up;
        foreach ((TileRange gateRange, TileRange upRange) in gate.RangesOf(stage.Part, stage.Parts)
            .Zip(up.RangesOf(stage.Part, stage.Parts)))
        {
            var kernel = new ExpertGateUp(gate.Format, _activations.Groups, _activations.Entries, gateRange.View, upRange.View,
                _activations.Normed, output, slot,
                TopK, gate.Cols, gateRange.RowCount, gateRange.FirstRow, gate.Rows, maxRows * TopK, variants.Narrow,
                AddParts.StrideOf(maxRows * TopK, gate.Rows), Quants);
            foreach ((ExpertWidth width, ProductVariant variant) in variants.For(maxRows))
                recorder.DispatchIndirect(kernel with { Variant = variant }, Size(slot, down: false, width));
        }
    }

    private void ExpertProduct(GpuMatrix matrix, BufferView input, BufferView output, uint slot, uint inputRowDivisor,
        ExpertVariants variants, Stage stage)
    {
        bool isDown = stage.Kind == StageKind.Down;
        foreach (TileRange range in matrix.RangesOf(stage.Part, stage.Parts))
        {
            var kernel = new ExpertMatMul(matrix.Format, _activations.Groups, _activations.Entries, range.View, input, output,
                slot, inputRowDivisor,
                matrix.Cols, range.RowCount, range.FirstRow, matrix.Rows, maxRows * TopK, variants.Narrow,
                AddParts.StrideOf(maxRows * TopK, matrix.Rows), Quants);
            foreach ((ExpertWidth width, ProductVariant variant) in variants.For(maxRows))
                recorder.DispatchIndirect(kernel with { Variant = variant }, Size(slot, isDown, width));
        }
    }

    private BufferView Size(uint slot, bool down, ExpertWidth width) =>
        _activations.Arguments.Slice(GroupTokens.ArgumentOffset(slot, down, width), 12);
}
