using MixtralVk.Experts;

namespace MixtralVk.Tests.Experts;

public sealed class ExpertSlotsTests
{
    private readonly ExpertUse _use = new(layerCount: 2, expertCount: 4, halfLife: 1e9);
    private readonly ExpertSlots _slots;

    public ExpertSlotsTests() => _slots = new ExpertSlots(_use);

    [Fact]
    public void An_expert_is_resident_from_its_arrival_until_it_leaves()
    {
        var id = new ExpertId(1, 2);
        Assert.False(_slots.TryPlace(id, out _)); // there is no slot
        Assert.Equal(0, _slots.AddSlot());
        Assert.True(_slots.TryPlace(id, out int slot));
        Assert.Equal((0, 0, false), (slot, _slots.SlotOf(id), _slots.IsResident(id)));
        _slots.Arrived(id);
        Assert.True(_slots.IsResident(id));
        _slots.Evict(id);
        Assert.Equal((ExpertSlots.None, false, 1, 0), (_slots.SlotOf(id), _slots.IsResident(id), _slots.Count, _slots.Taken));
        Assert.Throws<InvalidOperationException>(() => _slots.Arrived(id));
    }

    [Fact]
    public void The_least_used_leaves_first_and_no_pinned_one()
    {
        _use.Chosen(0, [3, 1, 2, 5], 6);
        Fill(new(0, 0), new(0, 1), new(0, 2));
        _slots.Pin(new(0, 1));
        Assert.True(_slots.TryPlace(new(1, 0), out int slot));
        Assert.Equal((2, ExpertSlots.None), (slot, _slots.SlotOf(new(0, 2)))); // 0/1 is used less, but pinned
        Assert.Equal(0, _slots.SlotOf(new(0, 0)));
        _slots.Unpin(new(0, 1));
        _slots.Pin(new(1, 0));
        Assert.True(_slots.TryPlace(new(0, 3), out slot));
        Assert.Equal((1, ExpertSlots.None), (slot, _slots.SlotOf(new(0, 1))));
        _slots.Pin(new(0, 3));
        _slots.Pin(new(0, 0));
        Assert.False(_slots.TryPlace(new(0, 1), out _));
        Assert.Throws<InvalidOperationException>(() => _slots.Unpin(new(1, 3)));
    }

    [Fact]
    public void A_budget_that_shrinks_takes_the_least_used_and_growing_gives_their_numbers_again()
    {
        _use.Chosen(0, [3, 1, 2, 5], 6);
        Fill(new(0, 0), new(0, 1), new(0, 2), new(0, 3));
        Assert.True(_slots.TryRemoveSlot(out int slot));
        Assert.Equal((1, 3, 3), (slot, _slots.Count, _slots.Taken));
        Assert.Equal(ExpertSlots.None, _slots.SlotOf(new(0, 1)));
        Assert.True(_slots.TryRemoveSlot(out slot));
        Assert.Equal(2, slot);
        Assert.Equal(1, _slots.AddSlot());
        Assert.True(_slots.TryRemoveSlot(out slot)); // the empty one, not an expert's
        Assert.Equal((1, 2), (slot, _slots.Taken));
        foreach (ExpertId id in (ExpertId[])[new(0, 0), new(0, 3)]) _slots.Pin(id);
        Assert.False(_slots.TryRemoveSlot(out _));
    }

    [Fact]
    public void There_is_no_slot_without_an_expert_for_it()
    {
        for (int i = 0; i < 8; i++) _slots.AddSlot();
        Assert.Throws<InvalidOperationException>(() => _slots.AddSlot());
    }

    [Fact]
    public void An_empty_slot_is_filled_when_the_tokens_pay_for_the_upload()
    {
        Fill(new ExpertId(0, 0));
        _slots.AddSlot();
        _use.Chosen(1, [0, 0, 4, 3], 4);
        Assert.False(_slots.TryNextUpload(savedPerToken: 2, uploadSeconds: 8, out _)); // 4 tokens save what the upload takes
        Assert.True(_slots.TryNextUpload(savedPerToken: 2, uploadSeconds: 7.9, out ExpertId id));
        Assert.Equal(new ExpertId(1, 2), id);
    }

    [Fact]
    public void Another_expert_leaves_only_for_a_lead_beyond_chance()
    {
        Fill(new(0, 0), new(0, 1));
        _use.Chosen(0, [36, 80, 0, 0], 100);
        _use.Chosen(1, [64, 0, 0, 0], 100); // a lead of 28 over 0/0, of which chance gives 10
        Assert.False(_slots.TryNextUpload(savedPerToken: 1, uploadSeconds: 18.01, out _));
        Assert.True(_slots.TryNextUpload(savedPerToken: 1, uploadSeconds: 17.99, out ExpertId id));
        Assert.Equal(new ExpertId(1, 0), id);
        Assert.False(_slots.TryNextUpload(savedPerToken: -1, uploadSeconds: 0, out _)); // a slow GPU
        Assert.False(_slots.TryNextUpload(savedPerToken: double.NaN, uploadSeconds: 1, out _)); // nothing measured
        _slots.Pin(new(0, 0));
        Assert.False(_slots.TryNextUpload(savedPerToken: 1, uploadSeconds: 1, out _)); // 0/1 is ahead
    }

    [Fact]
    public void Any_sequence_keeps_to_the_rules_and_allocates_nothing()
    {
        var random = new Random(3);
        var placed = new Dictionary<ExpertId, int>(); // who should be where
        var pinned = new HashSet<ExpertId>();
        for (int step = 0; step < 5000; step++)
        {
            var id = new ExpertId(random.Next(2), random.Next(4));
            _use.Chosen(id.Layer, [.. Enumerable.Range(0, 4).Select(_ => random.Next(3))], 4);
            ExpertId? leaving = placed.Keys.Where(e => !pinned.Contains(e)).OrderBy(e => _use[e]).ThenBy(e => e.Layer).ThenBy(e => e.Expert).Cast<ExpertId?>().FirstOrDefault();
            bool full = placed.Count == _slots.Count, room = !full || leaving is not null;
            long before = GC.GetAllocatedBytesForCurrentThread();
            int slot = ExpertSlots.None, action = random.Next(5);
            bool did = action switch
            {
                0 when _slots.Count < 8 => _slots.AddSlot() >= 0,
                1 => _slots.TryRemoveSlot(out slot),
                2 or 3 when _slots.SlotOf(id) == ExpertSlots.None => _slots.TryPlace(id, out slot),
                _ => true,
            };
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
            if (slot != ExpertSlots.None || !did)
            {
                Assert.Equal(room, did);
                if (did && full)
                {
                    Assert.Equal(placed[leaving!.Value], slot);
                    placed.Remove(leaving.Value);
                }
                if (did && action > 1) placed.Add(id, slot);
            }
            if (action == 4 && placed.ContainsKey(id) && pinned.Add(id)) _slots.Pin(id);
            else if (action == 4 && pinned.Remove(id)) _slots.Unpin(id);
            foreach (ExpertId each in Enumerable.Range(0, 8).Select(i => new ExpertId(i / 4, i % 4)))
                Assert.Equal(placed.GetValueOrDefault(each, ExpertSlots.None), _slots.SlotOf(each));
            Assert.Equal(placed.Count, _slots.Taken);
            Assert.Equal(placed.Count, placed.Values.Distinct().Count());
        }
    }

    private void Fill(params ExpertId[] experts)
    {
        foreach (ExpertId id in experts)
        {
            _slots.AddSlot();
            Assert.True(_slots.TryPlace(id, out _));
            _slots.Arrived(id);
        }
    }
}
