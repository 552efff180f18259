using MixtralVk.Experts;

namespace MixtralVk.Tests.Experts;

/// <summary>Who gets which slot: two layers of four experts, in layer 1 two of them of another kind.</summary>
public sealed class ExpertSlotsTests
{
    private readonly ExpertUse _use = new(layerCount: 2, expertCount: 4);

    [Fact]
    public void Slots_are_filled_with_the_pinned_then_the_most_used_then_by_number()
    {
        Assert.Equal([new(0, 0, 0), new(0, 1, 1), new(1, 0, 0), new(1, 1, 1)], With(2, 2).Fill(_use));
        _use.Chosen(0, [1, 3, 3], 3);
        Assert.Equal([new(0, 0, 3), new(0, 1, 1)], With(2, 0).Fill(_use));
        Assert.Equal([new(0, 0, 2), new(0, 1, 3)], With(2, 0, new ExpertId(0, 2)).Fill(_use));
    }

    [Fact]
    public void An_expert_fits_slots_of_its_kind_only()
    {
        _use.Chosen(1, [2, 2, 3, 3, 3], 5);
        ExpertSlots slots = With(0, 3);
        // 2 is used more than 0 and 1, which are of the other kind.
        Assert.Equal([new(1, 2, 3), new(1, 0, 0), new(1, 1, 1)], slots.Fill(_use));
        Fill(slots);
        _use.Chosen(1, [.. Enumerable.Repeat(2, 60)], 60);
        Assert.True(slots.TryNextMove(_use, out ExpertMove move));
        Assert.Equal(new ExpertMove(1, 2, 2), move);
    }

    [Fact]
    public void The_least_used_makes_room_but_no_pinned_one()
    {
        _use.Chosen(0, [0, 1, 1, .. Enumerable.Repeat(3, 40)], 43);
        ExpertSlots slots = With(2, 0, new ExpertId(0, 0));
        slots.Put(new(0, 0, 0));
        slots.Put(new(0, 1, 1));
        Assert.True(slots.TryNextMove(_use, out ExpertMove move));
        Assert.Equal(new ExpertMove(0, 1, 3), move); // 0 is used less, but pinned
        slots.Put(move);
        Assert.Equal((0, ExpertSlots.None, 1, 2), (slots.SlotOf(0, 0), slots.SlotOf(0, 1), slots.SlotOf(0, 3), slots.ResidentsOf(0)));
        Assert.False(slots.TryNextMove(_use, out _));
        ExpertSlots both = With(2, 0, new(0, 0), new(0, 2));
        both.Put(new(0, 0, 0));
        both.Put(new(0, 1, 1));
        Assert.True(both.TryNextMove(_use, out move));
        Assert.Equal(new ExpertMove(0, 1, 2), move); // pinned, though never used
    }

    [Fact]
    public void Another_expert_makes_room_only_for_a_lead_beyond_chance()
    {
        ExpertSlots slots = With(1, 0);
        slots.Put(new(0, 0, 0));
        _use.Chosen(0, [.. Enumerable.Repeat(0, 36), .. Enumerable.Repeat(1, 46)], 0); // chance gives 9.06
        Assert.True(slots.TryNextMove(_use, out _));
        _use.Chosen(0, [0], 0);                                                          // a lead of 9, chance gives 9.1
        Assert.False(slots.TryNextMove(_use, out _));
    }

    [Fact]
    public void An_empty_slot_is_filled_with_whom_it_saves_most()
    {
        ExpertSlots slots = With(1, 1);
        Assert.True(slots.TryNextMove(_use, out ExpertMove move));
        Assert.Equal(new ExpertMove(0, 0, 0), move);
        _use.Chosen(1, [1], 1);
        Assert.True(slots.TryNextMove(_use, out move));
        Assert.Equal(new ExpertMove(1, 0, 1), move);
    }

    [Fact]
    public void A_slot_that_goes_is_the_least_used_and_the_last_gets_its_number()
    {
        _use.Chosen(0, [0, 1, 1, 3, 3, 3], 6);
        ExpertSlots slots = With(4, 0);
        for (int expert = 0; expert < 4; expert++) slots.Put(new(0, expert, expert));
        Assert.Equal(2, slots.LeastOf(0, _use));
        slots.Remove(0, 2);
        Assert.Equal(0, slots.LeastOf(0, _use));
        slots.Remove(0, 0);
        Assert.Equal((2, 2, ExpertSlots.None, 1, ExpertSlots.None, 0), (slots.CountOf(0), slots.ResidentsOf(0), slots.SlotOf(0, 0),
            slots.SlotOf(0, 1), slots.SlotOf(0, 2), slots.SlotOf(0, 3)));
        slots.Add(0);
        Assert.Equal(2, slots.LeastOf(0, _use)); // empty
        ExpertSlots pinned = With(2, 0, new ExpertId(0, 1));
        Fill(pinned);
        Assert.Equal(3, pinned.ExpertIn(0, pinned.LeastOf(0, _use))); // used more, but not pinned
    }

    /// <summary>
    /// Experts of two kinds have slots of two sizes: with the most used of the second kind gone, as much memory is taken as two slots are
    /// counted with.
    /// </summary>
    [Fact]
    public void The_slots_left_are_of_the_kinds_they_would_have_been_made_of()
    {
        _use.Chosen(1, [0, 1, 1, 2, 2, 2, 3, 3, 3, 3], 10);
        ExpertSlots slots = With(0, 4);
        Fill(slots);
        List<int> left = [];
        for (; slots.CountOf(1) > 0; slots.Remove(1, slots.LeastOf(1, _use))) left.Add(slots.ExpertIn(1, slots.LeastOf(1, _use)));
        Assert.Equal([2, 3, 0, 1], left);
    }

    [Fact]
    public void Any_sequence_keeps_to_the_rules_and_moving_allocates_nothing()
    {
        var random = new Random(3);
        ExpertSlots slots = With(0, 0);
        for (int step = 0; step < 5000; step++)
        {
            int layer = random.Next(2), count = slots.CountOf(layer);
            _use.Chosen(layer, [.. Enumerable.Range(0, 8).Select(_ => Math.Min(random.Next(4), random.Next(4)))], 4);
            switch (random.Next(6))
            {
                case 0 when count < 4: slots.Add(layer); break;
                case 1 when count > 0: slots.Remove(layer, random.Next(2) == 0 ? slots.LeastOf(layer, _use) : random.Next(count)); break;
                default:
                    (long before, int collections) = (GC.GetAllocatedBytesForCurrentThread(), GC.CollectionCount(0));
                    if (slots.TryNextMove(_use, out ExpertMove move)) slots.Put(move);
                    long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                    if (GC.CollectionCount(0) == collections) Assert.Equal(0, allocated); // else of no meaning (Allocations)
                    break;
            }
            for (int expert = 0; expert < 4; expert++)
                if (slots.SlotOf(layer, expert) is int slot and not ExpertSlots.None) Assert.Equal(expert, slots.ExpertIn(layer, slot));
            int[] there = [.. Enumerable.Range(0, slots.CountOf(layer)).Select(slot => slots.ExpertIn(layer, slot))
                .Where(expert => expert != ExpertSlots.None)];
            Assert.Equal(there.Length, slots.ResidentsOf(layer));
            Assert.Equal(there.Length, there.Distinct().Count());
            if (layer == 1) Assert.InRange(there.Count(expert => expert < 2), 0, 2);
        }
    }

    private static ExpertSlots With(int first, int second, params ExpertId[] pinned)
    {
        var slots = new ExpertSlots([[0, 0, 0, 0], [0, 0, 2, 2]], pinned);
        for (int i = 0; i < first; i++) slots.Add(0);
        for (int i = 0; i < second; i++) slots.Add(1);
        return slots;
    }

    private void Fill(ExpertSlots slots)
    {
        foreach (ExpertMove move in slots.Fill(_use).ToArray()) slots.Put(move);
    }
}
