using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// Every stage of a model, recorded once for each row-count class and submitted again for every step: of all tokens, up to the last layer's
/// keys; of the wanted rows from there on; and of a whole step whose rows are all wanted (decode), where the class is that small.
/// </summary>
internal sealed class StepRecordings : IDisposable
{
    /// <summary>Of a class; the last is null for chunks.</summary>
    private sealed record RowClass(RecordedPart Tokens, RecordedPart Outputs, RecordedPart? Whole) : IDisposable
    {
        public void Dispose()
        {
            Tokens.Recording.Dispose();
            Outputs.Recording.Dispose();
            Whole?.Recording.Dispose();
        }
    }

    /// <summary>Stages whose command buffers are not made yet.</summary>
    private sealed record Draft(Recorder Recorder, string Name, int[] Ends);

    private readonly ModelOnDevice _model;
    private readonly GpuDevice _device;
    private readonly uint[] _maxRows; // of each class
    private readonly RowClass[] _classes;
    private readonly Recording _statusRecording;
    private RecordedPart _status;

    /// <summary>Records everything, of each class as it is cut.</summary>
    public StepRecordings(ModelOnDevice model, GpuDevice device, Func<TokenClass, StageCut> cutOf, int maxBatchTokens,
        CancellationToken cancellation)
    {
        (_model, _device) = (model, device);
        _maxRows = [.. TokenClasses.Cover((uint)maxBatchTokens)];
        TokenClass[] classes = [.. TokenClasses.All.Take(_maxRows.Length)];
        Draft status = DraftOf("status", recorder => recorder.RecordStatus()),
            hidden = DraftOf("hidden state", recorder => recorder.RecordHidden());
        var parts = new Queue<RecordedPart>(Finish([.. classes.SelectMany(rows => DraftsOf(rows, cutOf(rows))), status, hidden],
            cancellation));
        _classes = [.. classes.Select(rows => ClassOf(rows, parts))];
        _statusRecording = parts.Dequeue().Recording;
        Hidden = parts.Dequeue().Recording;
        _status = Status();
    }

    /// <summary>Copies what the head has read, for the host.</summary>
    public Recording Hidden { get; }

    /// <summary>
    /// A step of so many tokens, of which so many rows are wanted; without wanted rows only the status is left after the last layer's keys.
    /// </summary>
    public StepParts For(int tokens, int outputs)
    {
        StepClass step = StepClass.Of(tokens, outputs);
        RowClass all = _classes[(int)step.All];
        return step.IsWhole ? new StepParts(all.Whole!, null)
            : new StepParts(all.Tokens, outputs > 0 ? _classes[(int)step.Wanted].Outputs : _status);
    }

    /// <summary>How attention runs with so many rows.</summary>
    public AttentionPlan PlanFor(int rows) => PlanOf(_maxRows[(int)TokenClasses.Of((uint)rows)]);

    /// <summary>Records a class anew, cut otherwise; none of it may be in flight.</summary>
    public void Renew(TokenClass rows, StageCut cut)
    {
        RowClass renewed = ClassOf(rows, new Queue<RecordedPart>(Finish(DraftsOf(rows, cut), CancellationToken.None)));
        _classes[(int)rows].Dispose();
        _classes[(int)rows] = renewed;
        _status = Status();
    }

    /// <summary>In the place of what one wanted row would go through.</summary>
    private RecordedPart Status() => new(_statusRecording, [.. Enumerable.Repeat(0, _classes[0].Outputs.StageCount - 1), 1]);

    private AttentionPlan PlanOf(uint maxRows) =>
        AttentionPlan.For(_model.Config, _device.Description, _model.Activations.MaxSplits, maxRows);

    private static bool HasWhole(TokenClass rows) => rows < TokenClass.Chunk;

    private static RowClass ClassOf(TokenClass rows, Queue<RecordedPart> parts) =>
        new(parts.Dequeue(), parts.Dequeue(), HasWhole(rows) ? parts.Dequeue() : null);

    private List<Draft> DraftsOf(TokenClass rows, StageCut cut)
    {
        uint maxRows = _maxRows[(int)rows];
        ModelConfig config = _model.Config;
        Activations a = _model.Activations;
        List<Draft> drafts =
        [
            DraftOf($"up to {maxRows} tokens", maxRows, cut, _model.Parameters.Tokens, a.Residual, cut.OfAllRows(config)),
            DraftOf($"up to {maxRows} wanted rows", maxRows, cut, _model.Parameters.Outputs, a.OutputResidual, cut.OfWantedRows(config)),
        ];
        if (HasWhole(rows))
            drafts.Add(DraftOf(
                $"up to {maxRows} tokens, all wanted", maxRows, cut, _model.Parameters.Tokens, a.Residual, cut.OfWholeStep(config)));
        return drafts;
    }

    private Draft DraftOf(string name, uint maxRows, StageCut cut, RowSet rows, BufferView residual, IEnumerable<Stage> stages)
    {
        Recorder recorder = _device.CreateRecorder();
        var stageRecorder = new StageRecorder(_model, recorder, cut, maxRows, PlanOf(maxRows), rows, residual);
        return new Draft(recorder, name, [.. stages.Select(stage =>
        {
            stageRecorder.Record(stage);
            return stageRecorder.StageCount;
        })]);
    }

    /// <summary>What is no stage of the model.</summary>
    private Draft DraftOf(string name, Action<StageRecorder> record)
    {
        Recorder recorder = _device.CreateRecorder();
        record(new StageRecorder(_model, recorder, StageCut.Whole, 1, PlanOf(1), _model.Parameters.Tokens, _model.Activations.Residual));
        return new Draft(recorder, name, [1]);
    }

    /// <summary>Makes the pipelines, in parallel, and then the command buffers.</summary>
    private List<RecordedPart> Finish(IReadOnlyList<Draft> drafts, CancellationToken cancellation)
    {
        _device.PreparePipelines([.. drafts.Select(draft => draft.Recorder)], cancellation: cancellation);
        var parts = new List<RecordedPart>();
        try
        {
            foreach (Draft draft in drafts) parts.Add(new RecordedPart(draft.Recorder.Finish(draft.Name), draft.Ends));
            return parts;
        }
        catch
        {
            foreach (RecordedPart part in parts) part.Recording.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (RowClass rows in _classes) rows.Dispose();
        _statusRecording.Dispose();
        Hidden.Dispose();
    }
}
