using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Model.Vulkan;

/// <summary>The three matrices of one expert (or of a dense block) in a slot.</summary>
internal sealed record ExpertWeights(GpuMatrix Gate, GpuMatrix Up, GpuMatrix Down);

/// <summary>
/// Expert weights on the device, addressed by slot: one buffer per slot holds an expert's gate, up and down matrices, unless
/// they are used in place. Layers ask which slot an
/// expert is in; today every expert has a slot of its own.
/// </summary>
internal sealed class ExpertSlots : IDisposable
{
    private static readonly MatrixRole[] Roles = [MatrixRole.GateProj, MatrixRole.UpProj, MatrixRole.DownProj];

    private readonly GpuBuffer?[] _slots;
    private readonly ExpertWeights[] _weights;
    private readonly int _expertsPerLayer;

    /// <param name="device">The device.</param>
    /// <param name="source">The opened model.</param>
    /// <param name="import">Gives a matrix in place, or null where it is to be uploaded.</param>
    public ExpertSlots(GpuDevice device, ModelSource source, Func<MatrixRole, int, int, GpuMatrix?> import)
    {
        ModelConfig config = source.Config;
        _expertsPerLayer = Math.Max(1, config.ExpertCount);
        _slots = new GpuBuffer[config.LayerCount * _expertsPerLayer];
        _weights = new ExpertWeights[_slots.Length];
        try
        {
            for (int slot = 0; slot < _slots.Length; slot++)
            {
                (int layer, int expert) = (slot / _expertsPerLayer, slot % _expertsPerLayer);
                if (import(Roles[0], layer, expert) is { } gateInPlace && import(Roles[1], layer, expert) is { } upInPlace && import(Roles[2], layer, expert) is { } downInPlace)
                {
                    _weights[slot] = new ExpertWeights(gateInPlace, upInPlace, downInPlace);
                    continue;
                }
                RowTileLayout[] layouts = [.. Roles.Select(role => source.Layout(role, layer, expert))];
                GpuBuffer buffer = _slots[slot] = device.CreateBuffer((ulong)layouts.Sum(l => l.Bytes), BufferUse.Device, $"expert {layer}.{expert}");
                ulong up = (ulong)layouts[0].Bytes, down = up + (ulong)layouts[1].Bytes;
                _weights[slot] = new ExpertWeights(
                    new GpuMatrix(layouts[0], buffer.View.Slice(0, up), device.Limits),
                    new GpuMatrix(layouts[1], buffer.View.Slice(up, down - up), device.Limits),
                    new GpuMatrix(layouts[2], buffer.View.Slice(down, buffer.Size - down), device.Limits));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Slot of an expert.</summary>
    public int SlotOf(int layer, int expert) => layer * _expertsPerLayer + expert;

    /// <summary>False when the expert's matrices are used in place.</summary>
    public bool IsUploaded(int layer, int expert) => _slots[SlotOf(layer, expert)] is not null;

    /// <summary>What is in a slot.</summary>
    public ExpertWeights this[int slot] => _weights[slot];

    /// <summary>The weights of an expert.</summary>
    public ExpertWeights Of(int layer, int expert) => this[SlotOf(layer, expert)];

    public void Dispose()
    {
        foreach (GpuBuffer? slot in _slots) slot?.Dispose();
    }
}
