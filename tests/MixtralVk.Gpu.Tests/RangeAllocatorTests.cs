namespace MixtralVk.Gpu.Tests;

public class RangeAllocatorTests
{
    [Fact]
    public void Ranges_are_aligned_disjoint_and_joined_again_in_any_order()
    {
        var random = new Random(3);
        var ranges = new RangeAllocator(1 << 16, 256);
        var taken = new List<(ulong Offset, ulong Length)>();
        for (int round = 0; round < 2000; round++)
        {
            ulong length = (ulong)random.Next(1, 3000);
            if (random.Next(2) == 0 && ranges.TryTake(length, out ulong offset))
            {
                Assert.Equal(0ul, offset % 256);
                Assert.True(offset + length <= 1 << 16);
                Assert.DoesNotContain(taken, t => offset < t.Offset + t.Length && t.Offset < offset + length);
                taken.Add((offset, length));
            }
            else if (taken.Count > 0)
            {
                int index = random.Next(taken.Count);
                ranges.Return(taken[index].Offset, taken[index].Length);
                taken.RemoveAt(index);
            }
            Assert.Equal(taken.Count == 0, ranges.IsEmpty);
        }
        foreach ((ulong offset, ulong length) in taken) ranges.Return(offset, length);
        Assert.True(ranges.IsEmpty);
        Assert.True(ranges.TryTake(1 << 16, out _));
    }

    [Fact]
    public void A_range_larger_than_what_is_free_in_one_piece_is_refused()
    {
        var ranges = new RangeAllocator(1024, 256);
        Assert.True(ranges.TryTake(256, out _));
        Assert.True(ranges.TryTake(256, out ulong middle));
        Assert.True(ranges.TryTake(256, out _));
        ranges.Return(middle, 256);
        Assert.False(ranges.TryTake(512, out _));
    }
}
