using System.Numerics;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>
/// What stages take on this device, in milliseconds: an exponential average of what was measured, per kind of stage and class of row counts
/// (1, 2, up to 4, up to 8, ...). A stage of a class never measured is unknown (NaN), and runs alone first. Not thread-safe.
/// </summary>
internal sealed class StageCosts
{
    private const int Kinds = (int)StageKind.Head + 1, Classes = 16;

    /// <summary>Weight of the newest measurement, and what one measurement can at most count for: the machine may have done something else.</summary>
    private const double Newest = 0.25, MostOff = 4;

    /// <summary>Measurements after which an average is taken for settled: drivers compile at the first runs, so at first the least counts.</summary>
    private const int Settled = 4;

    private readonly double[] _averages = new double[Kinds * Classes];
    private readonly byte[] _measured = new byte[Kinds * Classes];
    private readonly ModelConfig _config;
    private readonly IReadOnlyList<Stage> _stages;

    public StageCosts(ForwardPass forward)
    {
        _config = forward.Config;
        _stages = forward.Stages;
        Array.Fill(_averages, double.NaN);
    }

    /// <summary>What a stage is expected to take in a step of so many rows, of which so many logits are wanted; NaN when it is not known.</summary>
    public double Of(Stage stage, int rows, int outputs)
    {
        int rowsOfStage = RowsOf(stage, rows, outputs);
        return rowsOfStage == 0 ? 0 : _averages[Index(stage.Kind, rowsOfStage)];
    }

    /// <summary>What a whole step is expected to take; NaN while a stage of it is not known.</summary>
    public double OfStep(int rows, int outputs)
    {
        double sum = 0;
        foreach (Stage stage in _stages) sum += Of(stage, rows, outputs);
        return sum;
    }

    /// <summary>
    /// Stages from <paramref name="first"/> on that are expected to take at most so long together: at least one, and one whose time is not
    /// known is by itself.
    /// </summary>
    public int Fitting(int first, int rows, int outputs, double milliseconds)
    {
        int next = first;
        for (double sum = 0; next < _stages.Count; next++)
        {
            sum += Of(_stages[next], rows, outputs);
            if (next > first && !(sum <= milliseconds)) break;
            if (double.IsNaN(sum)) return 1;
        }
        return next - first;
    }

    /// <summary>Stages that ran together took so long: each one's average moves by what they were off together.</summary>
    public void Learn(int first, int count, int rows, int outputs, double milliseconds)
    {
        double expected = 0;
        for (int i = first; i < first + count; i++) expected += Of(_stages[i], rows, outputs);
        double off = expected > 0 ? Math.Min(MostOff, milliseconds / expected) : double.NaN;
        uint corrected = 0; // a bit per average: a kind that occurs several times is corrected once
        for (int i = first; i < first + count; i++)
        {
            int rowsOfStage = RowsOf(_stages[i], rows, outputs);
            if (rowsOfStage == 0) continue;
            int index = Index(_stages[i].Kind, rowsOfStage), bit = (int)_stages[i].Kind + (rowsOfStage == rows ? 0 : Kinds);
            if ((corrected >> bit & 1) != 0) continue;
            corrected |= 1u << bit;
            Correct(index, off, count == 1 ? milliseconds : double.NaN);
        }
    }

    private void Correct(int index, double off, double alone)
    {
        if (double.IsNaN(_averages[index])) _averages[index] = alone;
        else if (!double.IsNaN(off)) _averages[index] *= off < 1 && _measured[index] < Settled ? off : 1 + Newest * (off - 1);
        if (_measured[index] < Settled) _measured[index]++;
    }

    /// <summary>In the last layer only the rows whose logits are wanted go on after the attention stage.</summary>
    private int RowsOf(Stage stage, int rows, int outputs) =>
        stage.Kind == StageKind.Head || stage.Layer == _config.LayerCount - 1 && stage.Kind != StageKind.Attention ? outputs : rows;

    private static int Index(StageKind kind, int rows) => (int)kind * Classes + Math.Min(Classes - 1, BitOperations.Log2((uint)rows * 2 - 1));
}
