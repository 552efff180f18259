using MixtralVk.Model;
using MixtralVk.Quantization;

namespace MixtralVk.Scheduling;

/// <summary>Decides into how many parts the stages are cut, so that a frame's grant can be filled well: a part is to take no more than a quarter of it.</summary>
internal sealed class StageCutter(ForwardPass forward, StageCosts costs)
{
    /// <summary>Most of a grant that a part is to take.</summary>
    private const double MostShare = 0.25;

    /// <summary>Rows of the largest step that parts are made for; a longer chunk waits until its parts are known to fit.</summary>
    private const int MostRows = 32;

    /// <summary>Between two steps: cuts anew where a part has become too long for the grant, or less than half as long as it may be.</summary>
    public void Cut(double granted)
    {
        ModelConfig config = forward.Config;
        StageCut cut = forward.Cut;
        double attention = cut.Attention == 1
            ? costs.OfWhole(StageKind.Attention, 1, MostRows)
            : Math.Max(costs.OfWhole(StageKind.QueryKeyValue, cut.Attention, MostRows), costs.OfWhole(StageKind.AttentionOutput, cut.Attention, MostRows));
        var wanted = new StageCut(
            Parts(cut.Attention, attention, granted, config.QueryDim),
            Parts(cut.GateUp, costs.OfWhole(StageKind.GateUp, cut.GateUp, MostRows), granted, config.HiddenDim),
            Parts(cut.Down, costs.OfWhole(StageKind.Down, cut.Down, MostRows), granted, config.Dim),
            Parts(cut.Head, costs.OfWhole(StageKind.Head, cut.Head, MostRows), granted, config.VocabSize));
        if (wanted == cut) return;
        forward.CutStages(wanted);
        costs.CutChanged();
    }

    private static int Parts(int current, double whole, double granted, int rows)
    {
        int tiles = (rows + RowTileLayout.TileRows - 1) / RowTileLayout.TileRows;
        int needed = (int)Math.Clamp(Math.Ceiling(whole / (granted * MostShare)), 1, tiles);
        // Some more than needed, so that a measurement a little longer does not cut again.
        return needed > current ? Math.Min(tiles, needed + needed / 4) : needed * 2 < current ? needed : current;
    }
}
