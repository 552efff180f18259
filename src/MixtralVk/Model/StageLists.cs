using MixtralVk.Kernels;

namespace MixtralVk.Model;

/// <summary>
/// The stages of every step, in order. Each class of row counts has a cut of its own, as a stage of a chunk takes many times as long as one
/// of a single row.
/// </summary>
internal sealed class StageLists
{
    private readonly ModelConfig _config;
    private readonly StageCut[] _cuts = new StageCut[TokenClasses.All.Count];
    private readonly Dictionary<StepClass, Stage[]> _lists = [];

    public StageLists(ModelConfig config)
    {
        _config = config;
        Array.Fill(_cuts, StageCut.Whole);
    }

    /// <summary>How the stages of a class are cut.</summary>
    public StageCut this[TokenClass rows]
    {
        get => _cuts[(int)rows];
        set
        {
            _cuts[(int)rows] = value;
            _lists.Clear();
        }
    }

    /// <summary>The stages of a step of such a class, in order.</summary>
    public Stage[] Of(StepClass step)
    {
        if (!_lists.TryGetValue(step, out Stage[]? stages))
            _lists.Add(step, stages = step.IsWhole ? [.. this[step.All].OfWholeStep(_config)] : [.. this[step.All].OfAllRows(_config),
                .. this[step.Wanted].OfWantedRows(_config)]);
        return stages;
    }
}
