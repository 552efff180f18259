using MixtralVk.Gpu;
using MixtralVk.Kernels;

namespace MixtralVk.Model.Vulkan;

/// <summary>A recording of the model's stages from one on, each of them in none, one or more recorded stages.</summary>
/// <param name="Recording">The recording.</param>
/// <param name="FirstStage">The first stage of the model in it.</param>
/// <param name="Ends">For each stage from it on, how many recorded stages there are up to its end.</param>
internal sealed record RecordedPart(Recording Recording, int FirstStage, int[] Ends)
{
    /// <summary>The recorded stages of the model's stage: first and end.</summary>
    public (int First, int End) Of(int stage)
    {
        int i = stage - FirstStage;
        return i < 0 || i >= Ends.Length ? (0, 0) : (i == 0 ? 0 : Ends[i - 1], Ends[i]);
    }
}

/// <summary>What a step consists of. The last layer's attention is a stage of both parts.</summary>
/// <param name="First">What all tokens go through.</param>
/// <param name="Second">What only wanted rows go through; null where <paramref name="First"/> is a whole step whose rows are all wanted.</param>
internal readonly record struct StepParts(RecordedPart First, RecordedPart? Second)
{
    public bool IsWhole => Second is null;
}

/// <summary>
/// Every stage of a model, recorded once for each row-count class and submitted again for every step: of all tokens, up to the last layer's keys; of
/// the wanted rows from there on; and of a whole step whose rows are all wanted (decode), where the class is that small.
/// </summary>
internal sealed class StepRecordings : IDisposable
{
    /// <summary>Most rows of a class that has a recording of whole steps.</summary>
    private const uint MostWholeRows = 16;

    private sealed record RowClass(uint MaxRows, RecordedPart Tokens, RecordedPart Outputs, RecordedPart? Whole);

    private readonly ModelOnDevice _model;
    private readonly GpuDevice _device;
    private readonly IReadOnlyList<Stage> _stages;
    private readonly List<Recording> _recordings = [];
    private readonly RowClass[] _classes;
    private readonly RecordedPart _status;

    /// <summary>Records everything: first all, so that their pipelines can be made in parallel, then the command buffers.</summary>
    public StepRecordings(ModelOnDevice model, GpuDevice device, IReadOnlyList<Stage> stages, StageCut cut, int maxBatchTokens, CancellationToken cancellation)
    {
        (_model, _device, _stages) = (model, device, stages);
        LastAttention = stages.Count - 1;
        while (stages[LastAttention].Kind is not (StageKind.Attention or StageKind.Attend)) LastAttention--;
        Activations a = model.Activations;
        var pending = new List<(Recorder Recorder, string Name)>();
        StageRecorder Begin(uint maxRows, RowSet rows, BufferView residual, string name)
        {
            pending.Add((device.CreateRecorder(), name));
            return new StageRecorder(model, pending[^1].Recorder, cut, maxRows, PlanOf(maxRows), rows, residual);
        }
        var ends = new List<int[]>();
        uint[] classes = [.. TokenClasses.Cover((uint)maxBatchTokens)];
        foreach (uint maxRows in classes)
        {
            ends.Add(RecordTokens(Begin(maxRows, model.Parameters.Tokens, a.Residual, $"up to {maxRows} tokens")));
            ends.Add(RecordOutputs(Begin(maxRows, model.Parameters.Outputs, a.OutputResidual, $"up to {maxRows} wanted rows")));
            if (maxRows <= MostWholeRows) ends.Add(RecordWhole(Begin(maxRows, model.Parameters.Tokens, a.Residual, $"up to {maxRows} tokens, all wanted")));
        }
        Begin(1, model.Parameters.Tokens, a.Residual, "status").RecordStatus();
        Begin(1, model.Parameters.Tokens, a.Residual, "hidden state").RecordHidden();
        try
        {
            device.PreparePipelines([.. pending.Select(p => p.Recorder)], cancellation: cancellation);
            foreach ((Recorder recorder, string name) in pending) _recordings.Add(recorder.Finish(name));
        }
        catch
        {
            Dispose();
            throw;
        }
        int next = 0;
        RecordedPart Part(int firstStage) => new(_recordings[next], firstStage, ends[next++]);
        _classes = [.. classes.Select(maxRows => new RowClass(maxRows, Part(0), Part(LastAttention), maxRows <= MostWholeRows ? Part(0) : null))];
        _status = new RecordedPart(_recordings[^2], stages.Count - 1, [1]);
        Hidden = _recordings[^1];
    }

    /// <summary>Index of the stage from which on only wanted rows go on: the last layer's attention.</summary>
    public int LastAttention { get; }

    /// <summary>Copies what the head has read, for the host.</summary>
    public Recording Hidden { get; }

    /// <summary>A step of so many tokens, of which so many rows are wanted; without wanted rows only the status is left after the last layer's keys.</summary>
    public StepParts For(int tokens, int outputs)
    {
        RowClass all = ClassFor(tokens);
        if (tokens == outputs && all.Whole is { } whole) return new StepParts(whole, null);
        return new StepParts(all.Tokens, outputs > 0 ? ClassFor(outputs).Outputs : _status);
    }

    /// <summary>How attention runs with so many rows.</summary>
    public AttentionPlan PlanFor(int rows) => PlanOf(ClassFor(rows).MaxRows);

    private AttentionPlan PlanOf(uint maxRows) => AttentionPlan.For(_model.Config, _device.Description, _model.Activations.MaxSplits, maxRows);

    private RowClass ClassFor(int rows)
    {
        foreach (RowClass rowClass in _classes)
            if (rows <= rowClass.MaxRows) return rowClass;
        throw new ArgumentOutOfRangeException(nameof(rows));
    }

    /// <summary>The stages up to the last layer's attention, of which it does what all tokens need.</summary>
    private int[] RecordTokens(StageRecorder recorder)
    {
        int[] ends = Record(recorder, 0, LastAttention);
        if (_stages[LastAttention].Kind == StageKind.Attention) recorder.RecordKeys(_stages[LastAttention]);
        return [.. ends, recorder.StageCount];
    }

    /// <summary>The last layer's attention and what follows, for the wanted rows.</summary>
    private int[] RecordOutputs(StageRecorder recorder)
    {
        recorder.RecordWanted(_stages[LastAttention]);
        return [recorder.StageCount, .. Record(recorder, LastAttention + 1, _stages.Count)];
    }

    private int[] RecordWhole(StageRecorder recorder) => Record(recorder, 0, _stages.Count);

    private int[] Record(StageRecorder recorder, int first, int end)
    {
        var ends = new int[end - first];
        for (int i = 0; i < ends.Length; i++)
        {
            recorder.Record(_stages[first + i]);
            ends[i] = recorder.StageCount;
        }
        return ends;
    }

    public void Dispose()
    {
        foreach (Recording recording in _recordings) recording.Dispose();
    }
}
