namespace MixtralVk.Experts;

/// <summary>
/// Which experts have a slot, room for one expert of any layer in video memory. An expert with a slot is on its way there until
/// <see cref="Arrived"/>, then resident. The least used gives its slot up first, never one that is pinned. Slots are numbers that stay the same
/// while they exist; the owner keeps their memory. Allocates nothing once made; not thread-safe.
/// </summary>
internal sealed class ExpertSlots
{
    /// <summary>What <see cref="SlotOf"/> gives for an expert without one.</summary>
    public const int None = -1;

    private const int Empty = -1, Absent = -2;

    private readonly ExpertUse _use;
    private readonly int[] _experts; // (slot): the expert in it, layer * experts + expert; Empty or Absent
    private readonly int[] _slots;   // (expert): its slot, or None
    private readonly bool[] _arrived; // (expert)
    private readonly int[] _pins;    // (expert)

    /// <summary>Without slots: <see cref="AddSlot"/> makes them.</summary>
    public ExpertSlots(ExpertUse use)
    {
        _use = use;
        int experts = use.LayerCount * use.ExpertCount;
        _experts = new int[experts];
        _slots = new int[experts];
        _arrived = new bool[experts];
        _pins = new int[experts];
        Array.Fill(_experts, Absent);
        Array.Fill(_slots, None);
    }

    /// <summary>Slots there are; never more than experts.</summary>
    public int Count { get; private set; }

    /// <summary>Slots with an expert, also one that is on its way.</summary>
    public int Taken { get; private set; }

    /// <summary>The expert's slot, or <see cref="None"/>.</summary>
    public int SlotOf(ExpertId id) => _slots[Index(id)];

    /// <summary>Whether the expert's weights are in its slot.</summary>
    public bool IsResident(ExpertId id) => _arrived[Index(id)];

    /// <summary>Makes one slot more, empty.</summary>
    /// <returns>Its number, the lowest that is free; the owner gives it memory.</returns>
    /// <exception cref="InvalidOperationException">There is a slot for every expert.</exception>
    public int AddSlot()
    {
        int slot = Array.IndexOf(_experts, Absent);
        if (slot < 0) throw new InvalidOperationException("Every expert has a slot already.");
        _experts[slot] = Empty;
        Count++;
        return slot;
    }

    /// <summary>Takes a slot away: an empty one, else that of the least used expert, which is not resident any more. False when all are pinned.</summary>
    /// <param name="slot">Its number; the owner frees its memory.</param>
    public bool TryRemoveSlot(out int slot)
    {
        if (!TryFindVictim(out slot)) return false;
        Clear(slot);
        _experts[slot] = Absent;
        Count--;
        return true;
    }

    /// <summary>
    /// Gives an expert that has none a slot: an empty one, else that of the least used expert not pinned. Its weights are on their way until <see cref="Arrived"/>.
    /// False when all slots are pinned.
    /// </summary>
    public bool TryPlace(ExpertId id, out int slot)
    {
        int index = Index(id);
        if (_slots[index] != None) throw new InvalidOperationException($"{id} has a slot.");
        if (!TryFindVictim(out slot)) return false;
        Clear(slot);
        _experts[slot] = index;
        _slots[index] = slot;
        Taken++;
        return true;
    }

    /// <summary>The weights of an expert that has a slot are there.</summary>
    public void Arrived(ExpertId id)
    {
        if (SlotOf(id) == None) throw new InvalidOperationException($"{id} has no slot to arrive in.");
        _arrived[Index(id)] = true;
    }

    /// <summary>Takes an expert's slot from it, which stays, empty: the upload failed or the driver took the memory.</summary>
    public void Evict(ExpertId id)
    {
        if (SlotOf(id) is int slot and not None) Clear(slot);
    }

    /// <summary>Keeps the expert in its slot until as many <see cref="Unpin"/>: a step uses it, it is on its way, or the host wants it there.</summary>
    public void Pin(ExpertId id) => _pins[Index(id)]++;

    public void Unpin(ExpertId id)
    {
        if (--_pins[Index(id)] < 0) throw new InvalidOperationException($"{id} was not pinned.");
    }

    /// <summary>
    /// The upload that saves most from now on: the most used expert without a slot, if the tokens by which it is ahead of the one that would leave
    /// outweigh the upload. A lead over another expert is only counted beyond what chance gives two counts (their standard deviation).
    /// </summary>
    /// <param name="savedPerToken">Seconds by which a token of an expert is faster on the GPU.</param>
    /// <param name="uploadSeconds">Seconds of an upload.</param>
    /// <param name="id">The expert to place and upload.</param>
    public bool TryNextUpload(double savedPerToken, double uploadSeconds, out ExpertId id)
    {
        int best = None;
        double most = -1;
        for (int i = 0; i < _slots.Length; i++)
            if (_slots[i] == None && UseOf(i) is double use && use > most) (best, most) = (i, use);
        id = best == None ? default : IdOf(best);
        if (best == None || !TryFindVictim(out int slot)) return false;
        double lead = most;
        if (_experts[slot] is int leaving and not Empty)
        {
            double least = UseOf(leaving);
            lead -= least + Math.Sqrt(most + least);
        }
        return lead * savedPerToken > uploadSeconds;
    }

    /// <summary>The lowest empty slot, else that of the least used expert; of equally used ones that of the lowest layer and expert.</summary>
    private bool TryFindVictim(out int victim)
    {
        victim = Count > Taken ? Array.IndexOf(_experts, Empty) : None;
        double least = double.PositiveInfinity;
        for (int i = 0; Count == Taken && i < _slots.Length; i++)
            if (_slots[i] != None && _pins[i] == 0 && UseOf(i) is double use && use < least) (victim, least) = (_slots[i], use);
        return victim != None;
    }

    private void Clear(int slot)
    {
        if (_experts[slot] is not (int index and >= 0)) return;
        _slots[index] = None;
        _arrived[index] = false;
        _experts[slot] = Empty;
        Taken--;
    }

    private double UseOf(int index) => _use[IdOf(index)];

    private ExpertId IdOf(int index) => new(index / _use.ExpertCount, index % _use.ExpertCount);

    private int Index(ExpertId id) => id.Layer * _use.ExpertCount + id.Expert;
}
