using MixtralVk.Experts;

namespace MixtralVk.Tests.Experts;

public sealed class ExpertUseTests
{
    [Fact]
    public void A_token_counts_half_after_the_half_life()
    {
        var use = new ExpertUse(layerCount: 2, expertCount: 3, halfLife: 10);
        use.Chosen(1, [1, 0, 4], 4);
        Assert.Equal((1, 0, 4), (use[new(1, 0)], use[new(1, 1)], use[new(1, 2)]));
        use.Chosen(1, [0, 8, 0], 10);
        Assert.Equal(0.5, use[new(1, 0)], 1e-12);
        Assert.Equal(8, use[new(1, 1)], 1e-12);
        Assert.Equal(2, use[new(1, 2)], 1e-12);
        Assert.Equal(0, use[new(0, 2)]); // another layer's tokens are not this one's
    }

    [Fact]
    public void Counts_are_the_sum_over_the_whole_history()
    {
        const int experts = 8;
        const double halfLife = 37;
        var random = new Random(1);
        var use = new ExpertUse(1, experts, halfLife);
        var history = new List<(int[] PerExpert, int Tokens)>();
        for (int step = 0; step < 2000; step++)
        {
            int tokens = step % 7 == 0 ? random.Next(2, 64) : 1;
            var perExpert = new int[experts];
            for (int i = 0; i < 2 * tokens; i++) perExpert[random.Next(experts)]++;
            use.Chosen(0, perExpert, tokens);
            history.Add((perExpert, tokens));
        }
        for (int expert = 0; expert < experts; expert++)
        {
            double sum = 0;
            long later = 0;
            for (int i = history.Count - 1; i >= 0; later += history[i--].Tokens) sum += history[i].PerExpert[expert] * Math.Pow(0.5, later / halfLife);
            Assert.Equal(sum, use[new(0, expert)], 1e-9);
        }
    }

    [Fact]
    public void A_half_life_is_positive() => Assert.Throws<ArgumentOutOfRangeException>(() => new ExpertUse(1, 8, 0));
}
