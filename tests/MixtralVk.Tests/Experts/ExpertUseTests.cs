using MixtralVk.Experts;

namespace MixtralVk.Tests.Experts;

public sealed class ExpertUseTests
{
    [Fact]
    public void A_token_counts_half_after_the_half_life()
    {
        var use = new ExpertUse(layerCount: 2, expertCount: 3);
        use.Chosen(1, [0, 2, 2, 2, 2], 5);
        Assert.Equal((1, 0, 4), (use[1, 0], use[1, 1], use[1, 2]));
        use.Chosen(1, [1, 1, 1], ExpertUse.HalfLife);
        Assert.Equal(0.5, use[1, 0], 1e-12);
        Assert.Equal(3, use[1, 1], 1e-12);
        Assert.Equal(2, use[1, 2], 1e-12);
        Assert.Equal(0, use[0, 2]); // another layer's tokens are not this one's
    }

    [Fact]
    public void Counts_are_the_sum_over_the_whole_history_and_ids_that_do_not_exist_count_for_none()
    {
        const int experts = 8;
        var random = new Random(1);
        var use = new ExpertUse(1, experts);
        var history = new List<(int[] Choices, int Tokens)>();
        for (int step = 0; step < 2000; step++)
        {
            int tokens = step % 7 == 0 ? random.Next(2, 64) : 1;
            int[] choices = [.. Enumerable.Range(0, 2 * tokens).Select(_ => random.Next(-1, experts + 1))];
            use.Chosen(0, choices, tokens);
            history.Add((choices, tokens));
        }
        for (int expert = 0; expert < experts; expert++)
        {
            double sum = 0;
            long later = 0;
            for (int i = history.Count - 1; i >= 0; later += history[i--].Tokens)
                sum += history[i].Choices.Count(c => c == expert) * Math.Pow(0.5, later / (double)ExpertUse.HalfLife);
            Assert.Equal(sum, use[0, expert], 1e-9);
        }
    }
}
