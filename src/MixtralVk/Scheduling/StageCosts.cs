using System.Numerics;
using MixtralVk.Kernels;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>
/// What stages take on this device, in milliseconds: an exponential average of what was measured, per kind of stage (of a part, where it is
/// cut) and class of row counts (1, 2, up to 4, up to 8, ...). What was never measured is unknown (NaN), and runs alone first. Not
/// thread-safe.
/// </summary>
internal sealed class StageCosts
{
    private const int Kinds = (int)StageKind.AttentionOutput + 1, Classes = 16;

    /// <summary>
    /// Weight of the newest measurement, and what one measurement can at most count for: the machine may have done something else.
    /// </summary>
    private const double Newest = 0.25, MostOff = 4;

    /// <summary>
    /// Measurements after which an average is taken for settled: drivers compile at the first runs, so at first the least counts.
    /// </summary>
    private const int Settled = 4;

    private readonly double[] _averages = new double[Kinds * Classes];
    private readonly byte[] _measured = new byte[Kinds * Classes];
    // Stages of each kind in which all rows run, then those with the wanted ones only.
    private readonly Dictionary<StepClass, int[]> _counts = [];
    // Of a whole attention stage's time, by the kinds it is cut into: a first guess, by the sizes of the matrices.
    private readonly double[] _shares = new double[Kinds];
    private readonly ForwardPass _forward;

    public StageCosts(ForwardPass forward)
    {
        _forward = forward;
        Array.Fill(_averages, double.NaN);
        ModelConfig config = forward.Config;
        double input = config.QueryDim + 2 * config.KvDim, output = config.QueryDim, whole = 1.2 * (input + output);
        Array.Fill(_shares, double.NaN);
        _shares[(int)StageKind.QueryKeyValue] = input / whole;
        _shares[(int)StageKind.Attend] = 0.2 / 1.2;
        _shares[(int)StageKind.AttentionOutput] = output / whole;
    }

    /// <summary>
    /// What a stage is expected to take in a step of so many rows, of which so many logits are wanted; NaN when it is not known.
    /// </summary>
    public double Of(Stage stage, int rows, int outputs) => Of(stage.Kind, RunsWanted(stage) ? outputs : rows);

    /// <summary>What a whole step is expected to take; NaN while a stage of it is not known.</summary>
    public double OfStep(int rows, int outputs)
    {
        int[] counts = CountsOf(rows, outputs);
        double sum = 0;
        for (int i = 0; i < counts.Length; i++)
            if (counts[i] > 0) sum += counts[i] * Of((StageKind)(i % Kinds), i < Kinds ? rows : outputs);
        return sum;
    }

    /// <summary>What the longest stage of a step is expected to take; NaN while one is not known.</summary>
    public double OfLongestStage(int rows, int outputs)
    {
        int[] counts = CountsOf(rows, outputs);
        double longest = 0;
        for (int i = 0; i < counts.Length; i++)
            if (counts[i] > 0) longest = Math.Max(longest, Of((StageKind)(i % Kinds), i < Kinds ? rows : outputs));
        return longest;
    }

    /// <summary>
    /// What all parts of a kind of stage in one layer take together, in steps of at most so many rows as far as they are known; 0 when none
    /// is.
    /// </summary>
    public double OfWhole(StageKind kind, int mostRows)
    {
        double most = 0;
        for (int rows = 1; rows <= mostRows; rows *= 2)
            if (Of(kind, rows) is double part and not double.NaN) most = Math.Max(most, part * CutOf(rows).PartsOf(kind));
        return most;
    }

    /// <summary>
    /// Stages from <paramref name="first"/> on that are expected to take at most so long together: at least one, and one whose time is not
    /// known is by itself.
    /// </summary>
    public int Fitting(int first, int rows, int outputs, double milliseconds)
    {
        IReadOnlyList<Stage> stages = _forward.Stages;
        int next = first;
        for (double sum = 0; next < stages.Count; next++)
        {
            sum += Of(stages[next], rows, outputs);
            if (next > first && !(sum <= milliseconds)) break;
            if (double.IsNaN(sum)) return 1;
        }
        return next - first;
    }

    /// <summary>
    /// Stages that ran together took so long: each one's average moves by what they were off together. No time at all tells nothing: the
    /// clock is coarser than they are, and an average of 0 would stay 0.
    /// </summary>
    public void Learn(int first, int count, int rows, int outputs, double milliseconds)
    {
        if (milliseconds == 0) return;
        IReadOnlyList<Stage> stages = _forward.Stages;
        double expected = 0;
        for (int i = first; i < first + count; i++) expected += Of(stages[i], rows, outputs);
        double off = expected > 0 ? Math.Min(MostOff, milliseconds / expected) : double.NaN;
        uint corrected = 0; // a bit per average: a kind that occurs several times is corrected once
        for (int i = first; i < first + count; i++)
        {
            bool wanted = RunsWanted(stages[i]);
            int rowsOfStage = wanted ? outputs : rows, bit = (int)stages[i].Kind + (wanted && outputs != rows ? Kinds : 0);
            if (rowsOfStage == 0 || (corrected >> bit & 1) != 0) continue;
            corrected |= 1u << bit;
            Correct(stages[i].Kind, rowsOfStage, off, count == 1 ? milliseconds : double.NaN);
        }
    }

    /// <summary>What copying a page of the KV cache between device and host is expected to take; NaN when it is not known.</summary>
    public double OfPage { get; private set; } = double.NaN;

    /// <summary>Pages that are expected to be copied in so long: at least one, and one while that is not known.</summary>
    public int PagesFitting(double milliseconds) => milliseconds > OfPage ? (int)Math.Min(int.MaxValue, milliseconds / OfPage) : 1;

    /// <summary>Pages that were copied together took so long.</summary>
    public void LearnPages(int pages, double milliseconds)
    {
        if (milliseconds == 0) return;
        double page = milliseconds / pages;
        OfPage = double.IsNaN(OfPage) ? page : OfPage + Newest * (Math.Min(page, MostOff * OfPage) - OfPage);
    }

    /// <summary>
    /// What rows of a class go through has been cut into other parts: averages are those of the new parts, as far as they can be told from
    /// the old.
    /// </summary>
    public void CutChanged(TokenClass rows, StageCut from)
    {
        StageCut to = _forward.CutOf(rows);
        _counts.Clear();
        for (int i = 0; i < _averages.Length; i++)
        {
            var kind = (StageKind)(i / Classes);
            if (TokenClasses.Of(1u << i % Classes) != rows || from.PartsOf(kind) == to.PartsOf(kind)) continue;
            _averages[i] *= from.PartsOf(kind) / (double)to.PartsOf(kind);
            _measured[i] = 0;
        }
    }

    private int[] CountsOf(int rows, int outputs)
    {
        var step = StepClass.Of(rows, outputs);
        if (_counts.TryGetValue(step, out int[]? counts)) return counts;
        _counts.Add(step, counts = new int[Kinds * 2]);
        foreach (Stage stage in _forward.StagesOf(step)) counts[(int)stage.Kind + (RunsWanted(stage) ? Kinds : 0)]++;
        return counts;
    }

    private void Correct(StageKind kind, int rows, double off, double alone)
    {
        int index = Index(kind, rows);
        double expected = Of(kind, rows);
        if (double.IsNaN(expected)) _averages[index] = alone;
        else if (!double.IsNaN(off)) _averages[index] = expected * (off < 1 && _measured[index] < Settled ? off : 1 + Newest * (off - 1));
        if (_measured[index] < Settled) _measured[index]++;
    }

    /// <summary>Measured, or until then guessed from an attention stage that was not cut.</summary>
    private double Of(StageKind kind, int rows)
    {
        if (rows == 0) return 0;
        double average = _averages[Index(kind, rows)];
        return double.IsNaN(average)
            ? _averages[Index(StageKind.Attention, rows)] * _shares[(int)kind] / CutOf(rows).PartsOf(kind) : average;
    }

    private StageCut CutOf(int rows) => _forward.CutOf(TokenClasses.Of((uint)rows));

    /// <summary>In the last layer only the rows whose logits are wanted go on after the keys and values.</summary>
    private bool RunsWanted(Stage stage) => stage.Kind == StageKind.Head
        || stage.Layer == _forward.Config.LayerCount - 1 && stage.Kind is not (StageKind.Attention or StageKind.QueryKeyValue);

    private static int Index(StageKind kind, int rows) =>
        (int)kind * Classes + Math.Min(Classes - 1, BitOperations.Log2((uint)rows * 2 - 1));
}
