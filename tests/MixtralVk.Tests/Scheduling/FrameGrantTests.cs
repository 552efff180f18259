using MixtralVk.Scheduling;

namespace MixtralVk.Tests.Scheduling;

/// <summary>What frames grant, how much of it is used, and when it ends.</summary>
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
        var grant = new FrameGrant(onCpu: false, new StandingClock());
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

    [Fact]
    public void A_grant_replaces_the_one_before_and_what_was_overdrawn_is_deducted()
    {
        var grant = new FrameGrant(onCpu: false, new StandingClock());
        Assert.False(grant.Allows(0, out _));
        grant.Renew(new FrameBudget(4, 1));
        Assert.True(grant.Allows(3, out double left));
        Assert.Equal(4, left);
        grant.Spend(3);
        Assert.True(grant.Allows(1, out _));
        Assert.False(grant.Allows(1.1, out _));
        grant.Renew(new FrameBudget(4, 1));
        Assert.True(grant.Allows(4, out left));
        Assert.Equal(4, left);                              // the millisecond of the frame before is gone
        grant.Spend(7);
        Assert.False(grant.Allows(0.1, out _));
        grant.Renew(new FrameBudget(4, 1));
        Assert.True(grant.Allows(0.5, out left));
        Assert.InRange(left, 0.5, 0.99);                    // 3 too many, and from now on a little is left free
        Assert.False(grant.Allows(2, out _));               // fits the next
        Assert.True(grant.Allows(5, out _));                // fits none, so it has this one
        Assert.True(grant.Allows(double.NaN, out _));
        grant.Spend(0.5);
        Assert.False(grant.Allows(double.NaN, out _));
        grant.SpendChoosing(2);
        Assert.False(grant.Allows(0.1, out _));
        grant.Renew(new FrameBudget(4, 1));
        Assert.False(grant.Allows(0.1, out _));             // a millisecond of choosing too many
        grant.Renew(new FrameBudget(4, 1));
        Assert.True(grant.Allows(0.1, out _));
        Assert.Equal(4, grant.Frame - 1);
    }

    [Fact]
    public void A_grant_ends_by_itself()
    {
        var clock = new StandingClock();
        var grant = new FrameGrant(onCpu: true, clock);
        grant.Renew(FrameBudget.Unlimited);
        Assert.True(grant.Allows(1000, out _));
        Assert.Equal(double.PositiveInfinity, grant.Granted);
        clock.Milliseconds = 99;
        Assert.True(grant.Allows(1000, out _));
        clock.Milliseconds = 101;
        Assert.False(grant.Allows(0, out _));
    }

    /// <summary>A clock that goes on when it is told to.</summary>
    private sealed class StandingClock : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
