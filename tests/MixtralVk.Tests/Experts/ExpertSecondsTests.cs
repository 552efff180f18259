using MixtralVk.Experts;

namespace MixtralVk.Tests.Experts;

public sealed class ExpertSecondsTests
{
    private readonly ExpertSeconds _seconds = new();

    [Fact]
    public void Nothing_is_known_before_it_is_measured()
    {
        Assert.Equal(double.NaN, _seconds.Of(1));
        Assert.Equal(0, _seconds.Of(0));
    }

    [Fact]
    public void What_was_not_measured_is_bounded_by_what_was()
    {
        _seconds.Learn([0, 4, 0], 8);
        Assert.Equal(8, _seconds.Of(3));  // the same class
        Assert.Equal(16, _seconds.Of(8)); // twice as many tokens take at most twice as long
        Assert.Equal(8, _seconds.Of(1));  // and fewer no longer
    }

    [Fact]
    public void Experts_that_ran_together_share_the_time()
    {
        _seconds.Learn([1, 1], 6);
        Assert.Equal(3, _seconds.Of(1));
        _seconds.Learn([1, 0, 2, 0], 9); // expected 3 + 6
        Assert.Equal(3, _seconds.Of(1), 1e-12);
        Assert.Equal(6, _seconds.Of(2), 1e-12);
    }

    [Fact]
    public void Averages_follow_and_one_outlier_counts_little()
    {
        _seconds.Learn([1], 1);
        _seconds.Learn([1], 1000);
        Assert.InRange(_seconds.Of(1), 1, 2);
        for (int i = 0; i < 50; i++) _seconds.Learn([1, 1], 5);
        Assert.Equal(2.5, _seconds.Of(1), 1e-4);
    }
}
