using MixtralVk.Scheduling;

namespace MixtralVk.Tests.Scheduling;

/// <summary>How much of what frames grant is used.</summary>
public sealed class FrameGrantTests
{
    /// <summary>Slices of stages that are expected to take half a millisecond each; one slice in ten takes 1.4 times as long.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Nearly_every_frame_keeps_to_its_grant_although_stages_vary(double granted)
    {
        const double expected = 0.5, longer = 1.4, shorter = 0.96;
        var random = new Random(1);
        var grant = new FrameGrant(onCpu: false);
        var frames = new List<double>();
        for (int frame = 0; frame < 2000; frame++)
        {
            grant.Renew(new FrameBudget(granted, 100));
            double used = 0;
            while (grant.Allows(expected, out double left))
            {
                double slice = Math.Floor(left / expected) * expected * (random.Next(10) == 0 ? longer : shorter);
                grant.Spend(slice);
                used += slice;
            }
            frames.Add(used);
        }
        frames.RemoveRange(0, 200); // until the reserve has settled
        Assert.InRange(frames.Order().ElementAt((int)(0.95 * frames.Count)), 0, 1.25 * granted);
        Assert.InRange(frames.Average(), 0.6 * granted, granted);
    }
}
