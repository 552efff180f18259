namespace MixtralVk.Experts;

/// <summary>An expert to be brought into a slot of its layer, in the place of one that lies there, if any.</summary>
internal readonly record struct ExpertMove(int Layer, int Slot, int Expert)
{
    /// <summary>The expert.</summary>
    public ExpertId Id => new(Layer, Expert);
}

/// <summary>
/// Which experts lie in which slots. Each layer has slots of its own, as what is recorded for a layer goes through its slots: with one pool
/// for all of them it would go through every slot there is, or be recorded anew for each expert that moves. Allocates nothing but for new
/// slots; not thread-safe.
/// </summary>
internal sealed class ExpertSlots
{
    /// <summary>The slot of an expert that has none, and the expert in an empty slot.</summary>
    public const int None = -1;

    private readonly int[][] _kinds, _slotOf;     // [layer][expert]
    private readonly bool[][] _pinned;            // [layer][expert]
    private readonly List<(int Kind, int Expert)>[] _slots; // [layer][slot]
    private readonly int[] _residents;            // [layer]

    /// <summary>Without slots.</summary>
    /// <param name="kinds">[layer][expert]: experts of a layer whose kinds are equal fit each other's slots.</param>
    /// <param name="pinned">Experts that never make room for another one.</param>
    public ExpertSlots(int[][] kinds, IReadOnlyList<ExpertId> pinned)
    {
        _kinds = kinds;
        _slotOf = [.. kinds.Select(layer => Enumerable.Repeat(None, layer.Length).ToArray())];
        _pinned = [.. kinds.Select(layer => new bool[layer.Length])];
        _slots = [.. kinds.Select(_ => new List<(int, int)>())];
        _residents = new int[kinds.Length];
        foreach (ExpertId id in pinned) _pinned[id.Layer][id.Expert] = true;
    }

    /// <summary>Layers.</summary>
    public int LayerCount => _kinds.Length;

    /// <summary>Experts of a layer.</summary>
    public int ExpertCount => _kinds[0].Length;

    /// <summary>Slots of a layer.</summary>
    public int CountOf(int layer) => _slots[layer].Count;

    /// <summary>Experts of a layer that have a slot.</summary>
    public int ResidentsOf(int layer) => _residents[layer];

    /// <summary>The slot of an expert, or <see cref="None"/>.</summary>
    public int SlotOf(int layer, int expert) => _slotOf[layer][expert];

    /// <summary>The expert in a slot, or <see cref="None"/>.</summary>
    public int ExpertIn(int layer, int slot) => _slots[layer][slot].Expert;

    /// <summary>Gives a layer one slot more, empty, for experts of the kind of <see cref="NextOf"/>.</summary>
    public void Add(int layer) => _slots[layer].Add((_kinds[layer][NextOf(layer)], None));

    /// <summary>
    /// The expert that decides the kind of a layer's next slot: the first for whose kind there are too few. There must be one.
    /// </summary>
    public int NextOf(int layer)
    {
        int[] kinds = _kinds[layer];
        for (int expert = 0; ; expert++)
        {
            int missing = 1; // of its kind, up to it
            for (int i = 0; i < expert; i++) missing += kinds[i] == kinds[expert] ? 1 : 0;
            foreach ((int kind, _) in _slots[layer]) missing -= kind == kinds[expert] ? 1 : 0;
            if (missing > 0) return expert;
        }
    }

    /// <summary>
    /// The slot to do without: an empty one, else that of the least used expert, the last of equals; of a pinned one only where there is no
    /// other. Of a kind of which there are too many then: what is left takes as much memory as so many slots do that were added.
    /// </summary>
    public int LeastOf(int layer, ExpertUse use)
    {
        int least = None;
        for (int slot = 0; slot < CountOf(layer); slot++)
            if (IsSurplus(layer, _slots[layer][slot].Kind) && (least == None || WorthOf(slot) <= WorthOf(least))) least = slot;
        return least;

        double WorthOf(int slot) =>
            ExpertIn(layer, slot) is int expert and not None ? use[layer, expert] + (_pinned[layer][expert] ? double.MaxValue : 0) : -1;
    }

    /// <summary>Whether a layer has more slots of a kind than it is to have with one slot less.</summary>
    private bool IsSurplus(int layer, int kind)
    {
        int surplus = 0;
        foreach ((int there, _) in _slots[layer]) surplus += there == kind ? 1 : 0;
        foreach (int wanted in _kinds[layer].AsSpan(0, CountOf(layer) - 1)) surplus -= wanted == kind ? 1 : 0;
        return surplus > 0;
    }

    /// <summary>Takes a slot away; who lies there has none any more, and the last slot gets its number.</summary>
    public void Remove(int layer, int slot)
    {
        Clear(layer, slot);
        List<(int Kind, int Expert)> slots = _slots[layer];
        slots[slot] = slots[^1];
        if (ExpertIn(layer, slot) is int expert and not None) _slotOf[layer][expert] = slot;
        slots.RemoveAt(slots.Count - 1);
    }

    /// <summary>The expert lies in the slot; one that lay there has none any more.</summary>
    public void Put(in ExpertMove move)
    {
        int left = ExpertIn(move.Layer, move.Slot);
        if (left == None) _residents[move.Layer]++; // else they stay as many, also for who looks from another thread
        else _slotOf[move.Layer][left] = None;
        _slots[move.Layer][move.Slot] = (_slots[move.Layer][move.Slot].Kind, move.Expert);
        _slotOf[move.Layer][move.Expert] = move.Slot;
    }

    /// <summary>Every slot filled: with the pinned experts, then the most used, then those of the lowest number.</summary>
    public IEnumerable<ExpertMove> Fill(ExpertUse use)
    {
        for (int layer = 0; layer < LayerCount; layer++)
        {
            List<int> free = [.. Enumerable.Range(0, CountOf(layer)).Where(slot => ExpertIn(layer, slot) == None)];
            foreach (int expert in Enumerable.Range(0, ExpertCount).Where(e => SlotOf(layer, e) == None)
                .OrderByDescending(e => _pinned[layer][e]).ThenByDescending(e => use[layer, e]))
            {
                int first = free.FindIndex(slot => _slots[layer][slot].Kind == _kinds[layer][expert]);
                if (first < 0) continue;
                yield return new ExpertMove(layer, free[first], expert);
                free.RemoveAt(first);
            }
        }
    }

    /// <summary>
    /// The move that saves most misses from now on: into an empty slot, or in the place of an expert that is used less, not pinned, and
    /// behind by more than chance gives two counts (their standard deviation). Pinned experts come first.
    /// </summary>
    public bool TryNextMove(ExpertUse use, out ExpertMove move)
    {
        move = default;
        double most = 0;
        for (int layer = 0; layer < LayerCount; layer++)
        {
            if (CountOf(layer) == 0 || ResidentsOf(layer) == ExpertCount) continue;
            for (int expert = 0; expert < ExpertCount; expert++)
            {
                if (SlotOf(layer, expert) != None || !TryFindPlace(layer, expert, use, out int slot, out double lead) || lead <= most)
                    continue;
                (most, move) = (lead, new ExpertMove(layer, slot, expert));
            }
        }
        return most > 0;
    }

    private bool TryFindPlace(int layer, int expert, ExpertUse use, out int place, out double lead)
    {
        (place, lead) = (None, 0);
        double wanted = use[layer, expert], least = double.PositiveInfinity;
        for (int slot = 0; slot < CountOf(layer); slot++)
        {
            (int kind, int there) = _slots[layer][slot];
            if (kind != _kinds[layer][expert]) continue;
            if (there != None && _pinned[layer][there]) continue;
            double count = there == None ? -1 : use[layer, there];
            if (count < least) (place, least) = (slot, count);
        }
        if (place == None) return false;
        lead = _pinned[layer][expert] ? double.MaxValue : least < 0 ? wanted + 1 : wanted - least - Math.Sqrt(wanted + least);
        return true;
    }

    private void Clear(int layer, int slot)
    {
        int expert = ExpertIn(layer, slot);
        if (expert == None) return;
        _slots[layer][slot] = (_slots[layer][slot].Kind, None);
        _slotOf[layer][expert] = None;
        _residents[layer]--;
    }
}
