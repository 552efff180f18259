using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;

namespace MixtralVk.Model.Vulkan;

/// <summary>
/// Expert weights on the device: each layer has slots, device memory for one of its experts each. What is recorded goes from slot to slot;
/// which expert lies in which is a table that kernels read, so that an expert takes another's place without a new recording. Slots come and
/// go between recordings. Beside them is a landing for one expert of any layer: on its way to a slot, or a guest that is computed there.
/// Not thread-safe.
/// </summary>
internal sealed class DeviceExperts : IDisposable
{
    private readonly record struct SlotMemory(ExpertWeights Weights, GpuBuffer? Buffer); // no buffer: used in place

    private readonly GpuDevice _device;
    private readonly ExpertLayout[][] _layouts; // [layer][expert]
    private readonly List<SlotMemory>[] _memory; // [layer][slot]
    private readonly GpuBuffer _table;          // uint (layers, _tableStride / 4): the slot of each expert
    private readonly ulong _tableStride;
    private long _slotBytes;

    /// <summary>Without slots.</summary>
    public DeviceExperts(GpuDevice device, ModelSource source, IReadOnlyList<ExpertId> pinned)
    {
        ModelConfig config = source.Config;
        int layers = config.LayerCount, experts = Math.Max(1, config.ExpertCount);
        _device = device;
        _layouts = ExpertLayout.All(source);
        _memory = [.. _layouts.Select(_ => new List<SlotMemory>())];
        Slots = new ExpertSlots([.. _layouts.Select(layer => layer.Select(layout => Array.IndexOf(layer, layout)).ToArray())], pinned);
        ulong alignment = device.Limits.MinStorageBufferOffsetAlignment;
        _tableStride = ((ulong)experts * sizeof(uint) + alignment - 1) / alignment * alignment;
        _table = device.CreateBuffer((ulong)layers * _tableStride, BufferUse.Parameters, "slots of experts");
        _table.Map<int>().Fill(ExpertSlots.None);
        _table.Flush();
    }

    /// <summary>Layers.</summary>
    public int LayerCount => _layouts.Length;

    /// <summary>Experts of a layer; 1 for a dense block.</summary>
    public int ExpertCount => _layouts[0].Length;

    /// <summary>Who lies where.</summary>
    public ExpertSlots Slots { get; }

    /// <summary>Formats and shapes of a layer's experts.</summary>
    public IReadOnlyList<ExpertLayout> LayoutsOf(int layer) => _layouts[layer];

    /// <summary>Bytes of all experts, on the device or not. From any thread.</summary>
    public long AllBytes => _layouts.Sum(layer => layer.Sum(e => e.Bytes));

    /// <summary>Bytes of the largest expert.</summary>
    public long MostBytes => _layouts.Max(layer => layer.Max(e => e.Bytes));

    /// <summary>Bytes of all slots. From any thread.</summary>
    public long SlotBytes => Volatile.Read(ref _slotBytes);

    /// <summary>
    /// False where all experts are on the device for good; else they come into their slots after loading, and the host computes those
    /// without one.
    /// </summary>
    public bool AreShared { get; set; }

    /// <summary>Whether experts come and go while the model runs. There is a landing then wherever there are slots.</summary>
    public bool AreMoving { get; set; }

    /// <summary>Room for one expert of any layer; null where there is none.</summary>
    public GpuBuffer? Landing { get; private set; }

    /// <summary>The memory of a layer's slot.</summary>
    public ExpertWeights this[int layer, int slot] => _memory[layer][slot].Weights;

    /// <summary>The memory of a slot with weights of its own, of exactly the size of its experts.</summary>
    public BufferView MemoryOf(int layer, int slot) => _memory[layer][slot].Buffer!.View;

    /// <summary>uint (experts): the slot of each expert of a layer; for kernels.</summary>
    public BufferView TableOf(int layer) => new(_table, (ulong)layer * _tableStride, (ulong)ExpertCount * sizeof(uint));

    /// <inheritdoc cref="ExpertLayout.SlotsFor"/>
    public int[] SlotsFor(long bytes) => ExpertLayout.SlotsFor(_layouts, bytes);

    /// <summary>Makes the landing, where there is none.</summary>
    /// <exception cref="OutOfGpuMemoryException">The device or the budget has no room.</exception>
    public void MakeLanding() => Landing ??= _device.CreateBuffer((ulong)MostBytes, BufferUse.Device, "expert on its way");

    /// <summary>An expert in the landing.</summary>
    public ExpertWeights Landed(ExpertId id) => ExpertWeights.In(Landing!.View, _layouts[id.Layer][id.Expert], _device.Limits);

    /// <summary>
    /// Whether a layer's recordings for prompts go through the landing, too: as one slot more, of the format of the layer's first expert.
    /// </summary>
    public bool ServesGuests(int layer) => AreMoving && Landing is not null && Slots.CountOf(layer) < ExpertCount;

    /// <summary>Whether an expert, brought to the landing, is computed there by its layer's recordings for prompts.</summary>
    public bool FitsLanding(ExpertId id) => ServesGuests(id.Layer) && _layouts[id.Layer][id.Expert] == _layouts[id.Layer][0];

    /// <summary>In the next submissions of a layer's prompts the expert in the landing is computed, and nobody else.</summary>
    public void ComputeGuest(ExpertId id)
    {
        Span<int> table = Table(id.Layer);
        table.Fill(ExpertSlots.None);
        table[id.Expert] = Slots.CountOf(id.Layer);
        _table.Flush();
    }

    /// <summary>
    /// In the next submissions of a layer's prompts its slots are computed, and summed up with the guests that have been.
    /// </summary>
    public void ComputeSlots(int layer, ReadOnlySpan<int> guests)
    {
        Span<int> table = WriteSlots(layer);
        foreach (int guest in guests) table[guest] = Slots.CountOf(layer) + 1; // beyond what is computed, within what is summed
        _table.Flush();
    }

    /// <summary>
    /// In the next submissions of a layer those of its experts that have slots are computed and summed that the flags name.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="experts">(experts)</param>
    public void Compute(int layer, ReadOnlySpan<bool> experts)
    {
        Span<int> table = WriteSlots(layer);
        for (int expert = 0; expert < table.Length; expert++)
            if (!experts[expert]) table[expert] = ExpertSlots.None;
        _table.Flush();
    }

    /// <summary>Gives a layer one slot more, with memory and nothing in it.</summary>
    /// <exception cref="OutOfGpuMemoryException">The device or the budget has no room.</exception>
    public void AddSlot(int layer)
    {
        ExpertLayout layout = _layouts[layer][Slots.NextOf(layer)];
        GpuBuffer? buffer = null;
        try
        {
            if (AreMoving) MakeLanding();
            buffer = _device.CreateBuffer((ulong)layout.Bytes, BufferUse.Device, $"expert slot {layer}.{Slots.CountOf(layer)}",
                yieldsFirst: AreShared);
            _memory[layer].Add(new SlotMemory(ExpertWeights.In(buffer.View, layout, _device.Limits), buffer));
        }
        catch
        {
            buffer?.Dispose();
            FreeIdleLanding();
            throw;
        }
        Slots.Add(layer);
        Volatile.Write(ref _slotBytes, _slotBytes + (long)buffer.Size);
    }

    /// <summary>Gives a layer one slot more whose expert, the next one, is used in place.</summary>
    public void AddInPlace(int layer, ExpertWeights weights)
    {
        int expert = Slots.NextOf(layer);
        _memory[layer].Add(new SlotMemory(weights, null));
        Slots.Add(layer);
        Put(new ExpertMove(layer, Slots.CountOf(layer) - 1, expert));
    }

    /// <summary>
    /// Frees a slot; who lies there has none any more, and the layer's last slot gets its number. No recording may use the layer's slots
    /// any more.
    /// </summary>
    public void RemoveSlot(int layer, int slot)
    {
        List<SlotMemory> memory = _memory[layer];
        Volatile.Write(ref _slotBytes, _slotBytes - (long)(memory[slot].Buffer?.Size ?? 0));
        memory[slot].Buffer?.Dispose();
        memory[slot] = memory[^1];
        memory.RemoveAt(memory.Count - 1);
        Slots.Remove(layer, slot);
        WriteSlots(layer);
        _table.Flush();
        FreeIdleLanding();
    }

    /// <summary>Where there are no slots, nobody is on the way to one.</summary>
    private void FreeIdleLanding()
    {
        if (_slotBytes > 0) return;
        Landing?.Dispose();
        Landing = null;
    }

    /// <summary>
    /// From the next submission on the slot holds the expert, whose weights are there; one that lay there has no slot any more.
    /// </summary>
    public void Put(in ExpertMove move)
    {
        Slots.Put(move);
        WriteSlots(move.Layer);
        _table.Flush();
    }

    /// <summary>Gives the table, to be flushed, each expert in its slot.</summary>
    private Span<int> WriteSlots(int layer)
    {
        Span<int> table = Table(layer);
        for (int expert = 0; expert < table.Length; expert++) table[expert] = Slots.SlotOf(layer, expert);
        return table;
    }

    private Span<int> Table(int layer) => _table.Map<int>((ulong)layer * _tableStride, (ulong)ExpertCount * sizeof(int));

    public void Dispose()
    {
        Landing?.Dispose();
        foreach (List<SlotMemory> layer in _memory)
            foreach (SlotMemory slot in layer) slot.Buffer?.Dispose();
        _table.Dispose();
    }
}
