using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Scheduling;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Scheduling;

/// <summary>Into how many parts stages are cut, by what they are measured to take.</summary>
public sealed class StageCutterTests
{
    [Fact]
    public void Each_class_of_row_counts_is_cut_so_that_a_part_takes_at_most_a_quarter_of_a_grant()
    {
        using TemporaryFile file = new SyntheticModel { Dim = 256, Hidden = 2048 }.WriteTemporary(); // 4 and 32 tiles
        using ForwardPass forward = TestDevices.Open("cpu", file.Path, context: 128, maxBatchTokens: 64);
        var costs = new StageCosts(forward);
        var cutter = new StageCutter(forward, costs);
        for (int rows = 1; rows <= 32; rows *= 2)
            for (int stage = 0; stage < forward.Stages.Count; stage++) costs.Learn(stage, 1, rows, rows, rows); // a millisecond a row

        AssertParts(granted: 8, 1, 3, 10, 20); // 2 ms and a bit less
        Assert.Equal(32 / 20.0, costs.Of(new Stage(StageKind.GateUp, 0, 3, 20), 32, 1), 1e-9);
        AssertParts(granted: 7, 1, 3, 10, 20);
        AssertParts(granted: 32, 1, 1, 2, 4);
        Assert.Equal(8, costs.Of(new Stage(StageKind.GateUp, 0, 1, 2), 16, 16), 1e-9);
        AssertParts(granted: double.PositiveInfinity, 1, 1, 1, 1);

        void AssertParts(double granted, params int[] expected)
        {
            cutter.Cut(granted);
            StageCut[] cuts = [.. TokenClasses.All.Select(forward.CutOf)];
            Assert.Equal(expected, cuts.Select(cut => cut.GateUp));
            cutter.Cut(granted);
            Assert.Equal(cuts, TokenClasses.All.Select(forward.CutOf)); // what is cut takes no less together than before
        }
    }
}
