using MixtralVk.Gpu;
using MixtralVk.Loading;

namespace MixtralVk.Model.Vulkan;

/// <summary>The three matrices of one expert (or of a dense block) in a slot.</summary>
internal sealed record ExpertWeights(GpuMatrix Gate, GpuMatrix Up, GpuMatrix Down);

/// <summary>
/// Expert weights on the device: each layer has slots, device memory for one of its experts each. What is recorded goes from slot to slot; which expert
/// lies in which is a table that kernels read, so that an expert takes another's place without a new recording. Not thread-safe.
/// </summary>
internal sealed class DeviceExperts : IDisposable
{
    /// <summary>The slot of an expert that has none.</summary>
    public const int None = -1;

    private readonly record struct Slot(ExpertWeights Weights, GpuBuffer? Memory); // no memory: used in place

    private readonly GpuDevice _device;
    private readonly ExpertLayout[][] _layouts; // [layer][expert]
    private readonly List<Slot>[] _slots;       // [layer]
    private readonly int[][] _slotOf, _experts; // [layer][expert], [layer][slot]
    private readonly GpuBuffer _table;          // uint (layers, _tableStride / 4): the slot of each expert
    private readonly ulong _tableStride;

    /// <summary>Without slots.</summary>
    public DeviceExperts(GpuDevice device, ModelSource source)
    {
        ModelConfig config = source.Config;
        int layers = config.LayerCount, experts = Math.Max(1, config.ExpertCount);
        _device = device;
        _layouts = [.. Enumerable.Range(0, layers).Select(layer => Enumerable.Range(0, experts).Select(expert => ExpertLayout.Of(source, layer, expert)).ToArray())];
        _slots = [.. _layouts.Select(_ => new List<Slot>())];
        _slotOf = [.. _layouts.Select(_ => Enumerable.Repeat(None, experts).ToArray())];
        _experts = [.. _layouts.Select(_ => Enumerable.Repeat(None, experts).ToArray())];
        ulong alignment = device.Limits.MinStorageBufferOffsetAlignment;
        _tableStride = ((ulong)experts * sizeof(uint) + alignment - 1) / alignment * alignment;
        _table = device.CreateBuffer((ulong)layers * _tableStride, BufferUse.Parameters, "slots of experts");
        _table.Map<int>().Fill(None);
        _table.Flush();
    }

    /// <summary>Layers.</summary>
    public int LayerCount => _layouts.Length;

    /// <summary>Experts of a layer; 1 for a dense block.</summary>
    public int ExpertCount => _layouts[0].Length;

    /// <summary>Formats and shapes of a layer's experts.</summary>
    public IReadOnlyList<ExpertLayout> LayoutsOf(int layer) => _layouts[layer];

    /// <summary>Bytes of all experts, on the device or not.</summary>
    public long AllBytes => _layouts.Sum(layer => layer.Sum(e => e.Bytes));

    /// <summary>Bytes of all slots.</summary>
    public long SlotBytes => _slots.Sum(layer => layer.Sum(slot => (long)(slot.Memory?.Size ?? 0)));

    /// <summary>Slots of a layer.</summary>
    public int SlotCount(int layer) => _slots[layer].Count;

    /// <summary>The memory of a layer's slot.</summary>
    public ExpertWeights this[int layer, int slot] => _slots[layer][slot].Weights;

    /// <summary>The slot of an expert, or <see cref="None"/>.</summary>
    public int SlotOf(int layer, int expert) => _slotOf[layer][expert];

    /// <summary>uint (experts): the slot of each expert of a layer; for kernels.</summary>
    public BufferView TableOf(int layer) => new(_table, (ulong)layer * _tableStride, (ulong)ExpertCount * sizeof(uint));

    /// <summary>Slots of each layer that a number of bytes has room for: as many everywhere, and one more in the first layers.</summary>
    public int[] SlotsFor(long bytes)
    {
        var counts = new int[LayerCount];
        for (int slot = 0; slot < ExpertCount; slot++)
            for (int layer = 0; layer < LayerCount; layer++)
            {
                bytes -= _layouts[layer][slot].Bytes;
                if (bytes < 0) return counts;
                counts[layer]++;
            }
        return counts;
    }

    /// <summary>Gives a layer one slot more, with memory of the format of its n-th expert, and nothing in it.</summary>
    /// <exception cref="OutOfGpuMemoryException">The device or the budget has no room.</exception>
    public void AddSlot(int layer)
    {
        ExpertLayout layout = _layouts[layer][SlotCount(layer)];
        GpuBuffer buffer = _device.CreateBuffer((ulong)layout.Bytes, BufferUse.Device, $"expert slot {layer}.{SlotCount(layer)}");
        ulong up = (ulong)layout.Gate.Bytes, down = up + (ulong)layout.Up.Bytes;
        try
        {
            _slots[layer].Add(new Slot(new ExpertWeights(
                new GpuMatrix(layout.Gate, buffer.View.Slice(0, up), _device.Limits),
                new GpuMatrix(layout.Up, buffer.View.Slice(up, down - up), _device.Limits),
                new GpuMatrix(layout.Down, buffer.View.Slice(down, buffer.Size - down), _device.Limits)), buffer));
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>Gives a layer one slot more whose expert, the next one, is used in place.</summary>
    public void AddInPlace(int layer, ExpertWeights weights)
    {
        _slots[layer].Add(new Slot(weights, null));
        Put(layer, SlotCount(layer) - 1, SlotCount(layer) - 1);
    }

    /// <summary>From the next submission on the slot holds the expert, whose weights are there; one that lay there has no slot any more.</summary>
    public void Put(int layer, int slot, int expert)
    {
        Clear(layer, slot);
        (_experts[layer][slot], _slotOf[layer][expert]) = (expert, slot);
        Write(layer, expert);
    }

    private void Clear(int layer, int slot)
    {
        int expert = _experts[layer][slot];
        if (expert == None) return;
        (_experts[layer][slot], _slotOf[layer][expert]) = (None, None);
        Write(layer, expert);
    }

    private void Write(int layer, int expert)
    {
        _table.Map<int>((ulong)layer * _tableStride + (ulong)expert * sizeof(int), sizeof(int))[0] = _slotOf[layer][expert];
        _table.Flush();
    }

    public void Dispose()
    {
        foreach (List<Slot> layer in _slots)
            foreach (Slot slot in layer) slot.Memory?.Dispose();
        _table.Dispose();
    }
}
