using MixtralVk.Model;
using MixtralVk.Scheduling;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Scheduling;

/// <summary>What is learned of measured times.</summary>
public sealed class StageCostsTests : IDisposable
{
    private readonly TemporaryFile _file;
    private readonly ForwardPass _forward;
    private readonly StageCosts _costs;

    public StageCostsTests()
    {
        _file = new SyntheticModel().WriteTemporary();
        _forward = TestDevices.Open("cpu", _file.Path, context: 128, maxBatchTokens: 64);
        _costs = new StageCosts(_forward);
    }

    public void Dispose()
    {
        _forward.Dispose();
        _file.Dispose();
    }

    /// <summary>A clock may be coarser than a stage: what began and ended in one tick of it is not free for ever.</summary>
    [Fact]
    public void No_time_at_all_is_no_measurement()
    {
        Stage stage = _forward.Stages[1];
        _costs.Learn(1, 1, 1, 1, 0);
        Assert.Equal(double.NaN, _costs.Of(stage, 1, 1));
        _costs.Learn(1, 1, 1, 1, 5);
        Assert.Equal(5, _costs.Of(stage, 1, 1));
        _costs.Learn(1, 1, 1, 1, 0);
        Assert.Equal(5, _costs.Of(stage, 1, 1));

        _costs.LearnPages(3, 0);
        Assert.Equal(double.NaN, _costs.OfPage);
        Assert.Equal(1, _costs.PagesFitting(100));
        _costs.LearnPages(3, 6);
        _costs.LearnPages(3, 0);
        Assert.Equal(2, _costs.OfPage);
    }
}
