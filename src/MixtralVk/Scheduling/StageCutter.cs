using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Scheduling;

/// <summary>
/// Decides into how many parts the stages are cut, so that a frame's grant can be filled well: a part is to take no more than a quarter of
/// it. As beginning a part takes time, too, each class of row counts is cut as it needs.
/// </summary>
internal sealed class StageCutter(ForwardPass forward, StageCosts costs)
{
    /// <summary>Most of a grant that a part is to take.</summary>
    private const double MostShare = 0.25;

    /// <summary>Rows of the largest step that parts are made for; a longer chunk waits until its parts are known to fit.</summary>
    private const uint MostRows = 32;

    /// <summary>Between two steps: cuts anew where a part has become too long for the grant, or much shorter than it may be.</summary>
    public void Cut(double granted)
    {
        for (TokenClass rows = TokenClass.One; rows <= forward.LargestClass; rows++) Cut(rows, granted);
    }

    private void Cut(TokenClass rows, double granted)
    {
        ModelConfig config = forward.Config;
        StageCut cut = forward.CutOf(rows);
        int mostRows = (int)Math.Min(MostRows, rows.MaxTokens());
        double attention = cut.Attention == 1
            ? costs.OfWhole(StageKind.Attention, mostRows)
            : costs.OfWhole(StageKind.QueryKeyValue, mostRows) + costs.OfWhole(StageKind.Attend, mostRows)
            + costs.OfWhole(StageKind.AttentionOutput, mostRows);
        var wanted = new StageCut(
            Parts(cut.Attention, attention, granted, config.QueryDim),
            Parts(cut.GateUp, costs.OfWhole(StageKind.GateUp, mostRows), granted, config.HiddenDim),
            Parts(cut.Down, costs.OfWhole(StageKind.Down, mostRows), granted, config.Dim),
            Parts(cut.Head, costs.OfWhole(StageKind.Head, mostRows), granted, config.VocabSize));
        if (wanted == cut) return;
        forward.CutStages(rows, wanted);
        costs.CutChanged(rows, cut);
    }

    private static int Parts(int current, double whole, double granted, int rows)
    {
        int tiles = (rows + RowTileLayout.TileRows - 1) / RowTileLayout.TileRows;
        double needed = whole / (granted * MostShare);
        // Some more than needed, so that a measurement a little longer does not cut again.
        if (needed > current) return (int)Math.Min(tiles, Math.Ceiling(1.25 * needed));
        return needed < current / 3.0 ? (int)Math.Max(1, Math.Ceiling(needed)) : current;
    }
}
