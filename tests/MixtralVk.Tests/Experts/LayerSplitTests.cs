using MixtralVk.Experts;

namespace MixtralVk.Tests.Experts;

/// <summary>Who computes what, by the seconds of a desktop: Mixtral's experts of 99 MB, main memory of 40 GB/s, PCIe 3.0, a GPU of 300 GB/s.</summary>
public sealed class LayerSplitTests
{
    private const double Upload = 99e6 / 12e9;
    private static readonly bool[] _half = [true, false, true, false, true, false, true, false];

    [Fact]
    public void Decode_computes_misses_and_a_prompt_uploads_them()
    {
        Assert.Equal([ExpertPlace.Gpu, ExpertPlace.Cpu], Chosen([0, 0, 1, 1, 0, 0, 0, 0], _half));
        Assert.Equal([ExpertPlace.Cpu, ExpertPlace.Cpu], Chosen([0, 1, 0, 1, 0, 0, 0, 0], _half)[..2]);
        ExpertPlace[] prompt = Chosen([130, 120, 140, 128, 125, 131, 122, 128], _half);
        Assert.Equal([ExpertPlace.Upload, ExpertPlace.Upload, ExpertPlace.Upload, ExpertPlace.Upload], prompt.Where((_, expert) => !_half[expert]));
        // Nothing to upload to: the processor has to.
        Assert.Equal(4, Chosen([130, 120, 140, 128, 125, 131, 122, 128], _half, slots: 0).Count(place => place == ExpertPlace.Cpu));
    }

    [Fact]
    public void A_short_prompt_does_both_at_once_and_uploads_what_most_tokens_chose()
    {
        ExpertPlace[] places = Chosen([0, 2, 0, 9, 0, 3, 0, 2], _half);
        Assert.Equal(ExpertPlace.Upload, places[1]); // expert 3, the second that was chosen
        Assert.Contains(ExpertPlace.Cpu, places);
    }

    [Fact]
    public void A_gpu_that_is_no_faster_gets_nothing()
    {
        foreach (int tokens in (int[])[1, 8, 100])
            Assert.Equal([ExpertPlace.Cpu, ExpertPlace.Cpu], Chosen([tokens, tokens, 0, 0, 0, 0, 0, 0], _half, gpu: Cpu));
    }

    [Fact]
    public void Before_anything_is_measured_hits_run_on_the_gpu_and_misses_on_the_processor()
    {
        var places = new ExpertPlace[2];
        SplitSeconds seconds = LayerSplit.Decide([3, 4], [true, false], 8, new ExpertSeconds(), new ExpertSeconds(), double.NaN, places);
        Assert.Equal([ExpertPlace.Gpu, ExpertPlace.Cpu], places);
        Assert.Equal(double.NaN, seconds.Longer);
    }

    [Theory]
    [InlineData(0)]   // the GPU takes the same time however many tokens
    [InlineData(0.2)]
    public void No_other_division_ends_earlier(double gpuSecondsPerToken)
    {
        var random = new Random(5);
        for (int round = 0; round < 300; round++)
        {
            int[] tokens = [.. Enumerable.Range(0, 6).Select(_ => random.Next(3) == 0 ? 0 : 1 << random.Next(6))];
            bool[] resident = [.. tokens.Select(_ => random.Next(3) == 0)];
            double upload = random.NextDouble() * 40, cpuPerToken = 0.3 + random.NextDouble();
            ExpertSeconds gpu = Measured(n => 0.1 + gpuSecondsPerToken * n), cpu = Measured(n => 0.5 + cpuPerToken * n);
            var places = new ExpertPlace[6];
            SplitSeconds seconds = LayerSplit.Decide(tokens, resident, slots: 6, gpu, cpu, upload, places);

            double best = double.PositiveInfinity;
            for (int uploads = 0; uploads < 1 << 6; uploads++)
                if (Enumerable.Range(0, 6).All(e => (uploads >> e & 1) == 0 || tokens[e] > 0 && !resident[e])) best = Math.Min(best, End(e => (uploads >> e & 1) != 0));
            double decided = End(e => places[e] == ExpertPlace.Upload);
            Assert.Equal(decided, seconds.Longer, 1e-9);
            // Which experts go is decided by tokens alone, so an expert's own GPU time may be lost.
            Assert.InRange(decided, best - 1e-9, best + 1e-9 + (gpuSecondsPerToken == 0 ? 0 : gpu.Of(32)));

            double End(Func<int, bool> uploads)
            {
                double gpuEnd = 0, cpuEnd = 0, link = 0;
                for (int e = 0; e < 6; e++)
                    if (tokens[e] > 0 && resident[e]) gpuEnd += gpu.Of(tokens[e]);
                foreach (int e in Enumerable.Range(0, 6).Where(e => tokens[e] > 0 && !resident[e]).OrderByDescending(e => tokens[e]))
                    if (uploads(e)) gpuEnd = Math.Max(gpuEnd, link += upload) + gpu.Of(tokens[e]);
                    else cpuEnd += cpu.Of(tokens[e]);
                return Math.Max(gpuEnd, cpuEnd);
            }
        }
    }

    [Fact]
    public void A_decision_allocates_nothing()
    {
        ExpertSeconds gpu = Measured(Gpu), cpu = Measured(Cpu);
        var places = new ExpertPlace[8];
        int[] tokens = [5, 0, 3, 1, 0, 7, 0, 2];
        long before = 0;
        for (int i = 0; i < 100; i++)
        {
            if (i == 1) before = GC.GetAllocatedBytesForCurrentThread();
            LayerSplit.Decide(tokens, _half, 4, gpu, cpu, Upload, places);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static double Cpu(int tokens) => Math.Max(99e6 / 40e9, tokens * 176e6 / 250e9);

    private static double Gpu(int tokens) => Math.Max(99e6 / 300e9, tokens * 176e6 / 10e12);

    /// <summary>The places of those that were chosen, in order.</summary>
    private static ExpertPlace[] Chosen(int[] tokens, bool[] resident, int slots = 8, Func<int, double>? gpu = null)
    {
        var places = new ExpertPlace[tokens.Length];
        LayerSplit.Decide(tokens, resident, slots, Measured(gpu ?? Gpu), Measured(Cpu), Upload, places);
        Assert.All(tokens.Zip(places), pair => Assert.Equal(pair.First == 0, pair.Second == ExpertPlace.None));
        return [.. places.Where(place => place != ExpertPlace.None)];
    }

    private static ExpertSeconds Measured(Func<int, double> seconds)
    {
        var measured = new ExpertSeconds();
        for (int tokens = 1; tokens <= 1024; tokens *= 2) measured.Learn([tokens], seconds(tokens));
        return measured;
    }
}
