using System.Numerics;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>
/// What stages take on this device, in milliseconds: an exponential average of what was measured, per kind of stage (of a part, where it is
/// cut) and class of row counts (1, 2, up to 4, up to 8, ...). What was never measured is unknown (NaN), and runs alone first. Not thread-safe.
/// </summary>
internal sealed class StageCosts
{
    private const int Kinds = (int)StageKind.AttentionOutput + 1, Classes = 16;

    /// <summary>Weight of the newest measurement, and what one measurement can at most count for: the machine may have done something else.</summary>
    private const double Newest = 0.25, MostOff = 4;

    /// <summary>Measurements after which an average is taken for settled: drivers compile at the first runs, so at first the least counts.</summary>
    private const int Settled = 4;

    private readonly double[] _averages = new double[Kinds * Classes];
    private readonly byte[] _measured = new byte[Kinds * Classes];
    private readonly int[] _counts = new int[Kinds * 2]; // stages of each kind in which all rows run, then those with the wanted ones only
    private readonly ForwardPass _forward;
    private StageCut _cut = StageCut.Whole;

    public StageCosts(ForwardPass forward)
    {
        _forward = forward;
        Array.Fill(_averages, double.NaN);
        Count();
    }

    /// <summary>What a stage is expected to take in a step of so many rows, of which so many logits are wanted; NaN when it is not known.</summary>
    public double Of(Stage stage, int rows, int outputs) => Of(stage.Kind, RunsWanted(stage) ? outputs : rows);

    /// <summary>What a whole step is expected to take; NaN while a stage of it is not known.</summary>
    public double OfStep(int rows, int outputs)
    {
        double sum = 0;
        for (int i = 0; i < _counts.Length; i++)
            if (_counts[i] > 0) sum += _counts[i] * Of((StageKind)(i % Kinds), i < Kinds ? rows : outputs);
        return sum;
    }

    /// <summary>What the longest stage of a step is expected to take; NaN while one is not known.</summary>
    public double OfLongestStage(int rows, int outputs)
    {
        double longest = 0;
        for (int i = 0; i < _counts.Length; i++)
            if (_counts[i] > 0) longest = Math.Max(longest, Of((StageKind)(i % Kinds), i < Kinds ? rows : outputs));
        return longest;
    }

    /// <summary>What all parts of a kind of stage in one layer take together, in steps of at most so many rows as far as they are known; 0 when none is.</summary>
    public double OfWhole(StageKind kind, int parts, int mostRows)
    {
        double most = 0;
        for (int rows = 1; rows <= mostRows; rows *= 2)
            if (Of(kind, rows) is double part and not double.NaN) most = Math.Max(most, part * parts);
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

    /// <summary>Stages that ran together took so long: each one's average moves by what they were off together.</summary>
    public void Learn(int first, int count, int rows, int outputs, double milliseconds)
    {
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
            Correct(Index(stages[i].Kind, rowsOfStage), off, count == 1 ? milliseconds : double.NaN);
        }
    }

    /// <summary>What copying a page of the KV cache between device and host is expected to take; NaN when it is not known.</summary>
    public double OfPage { get; private set; } = double.NaN;

    /// <summary>Pages that are expected to be copied in so long: at least one, and one while that is not known.</summary>
    public int PagesFitting(double milliseconds) => milliseconds > OfPage ? (int)Math.Min(int.MaxValue, milliseconds / OfPage) : 1;

    /// <summary>Pages that were copied together took so long.</summary>
    public void LearnPages(int pages, double milliseconds)
    {
        double page = milliseconds / pages;
        OfPage = double.IsNaN(OfPage) ? page : OfPage + Newest * (Math.Min(page, MostOff * OfPage) - OfPage);
    }

    /// <summary>The stages have been cut into other parts: averages are those of the new parts, as far as they can be told from the old.</summary>
    public void CutChanged()
    {
        StageCut from = _cut, to = _cut = _forward.Cut;
        Count();
        Scale(StageKind.GateUp, StageKind.GateUp, from.GateUp / (double)to.GateUp);
        Scale(StageKind.Down, StageKind.Down, from.Down / (double)to.Down);
        Scale(StageKind.Head, StageKind.Head, from.Head / (double)to.Head);
        if (to.Attention == 1) return; // what a whole one took is still known
        if (from.Attention > 1)
        {
            Scale(StageKind.QueryKeyValue, StageKind.QueryKeyValue, from.Attention / (double)to.Attention);
            Scale(StageKind.AttentionOutput, StageKind.AttentionOutput, from.Attention / (double)to.Attention);
            return;
        }
        // A first guess, by the sizes of the matrices; it is corrected as soon as the parts run.
        ModelConfig config = _forward.Config;
        double input = config.QueryDim + 2 * config.KvDim, output = config.QueryDim, attend = 0.2 * (input + output);
        Scale(StageKind.Attention, StageKind.QueryKeyValue, input / (input + output + attend) / to.Attention);
        Scale(StageKind.Attention, StageKind.Attend, attend / (input + output + attend));
        Scale(StageKind.Attention, StageKind.AttentionOutput, output / (input + output + attend) / to.Attention);
    }

    private void Scale(StageKind from, StageKind to, double factor)
    {
        if (factor == 1 && from == to) return;
        for (int i = 0; i < Classes; i++)
        {
            _averages[(int)to * Classes + i] = _averages[(int)from * Classes + i] * factor;
            _measured[(int)to * Classes + i] = 0;
        }
    }

    private void Count()
    {
        Array.Clear(_counts);
        foreach (Stage stage in _forward.Stages) _counts[(int)stage.Kind + (RunsWanted(stage) ? Kinds : 0)]++;
    }

    private void Correct(int index, double off, double alone)
    {
        if (double.IsNaN(_averages[index])) _averages[index] = alone;
        else if (!double.IsNaN(off)) _averages[index] *= off < 1 && _measured[index] < Settled ? off : 1 + Newest * (off - 1);
        if (_measured[index] < Settled) _measured[index]++;
    }

    private double Of(StageKind kind, int rows) => rows == 0 ? 0 : _averages[Index(kind, rows)];

    /// <summary>In the last layer only the rows whose logits are wanted go on after the keys and values.</summary>
    private bool RunsWanted(Stage stage) => stage.Kind == StageKind.Head
        || stage.Layer == _forward.Config.LayerCount - 1 && stage.Kind is not (StageKind.Attention or StageKind.QueryKeyValue);

    private static int Index(StageKind kind, int rows) => (int)kind * Classes + Math.Min(Classes - 1, BitOperations.Log2((uint)rows * 2 - 1));
}
