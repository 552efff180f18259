using MixtralVk.Gpu;
using MixtralVk.Loading;

namespace MixtralVk.Model.Vulkan;

/// <summary>The three matrices of one expert (or of a dense block) on the device.</summary>
internal sealed record ExpertWeights(GpuMatrix Gate, GpuMatrix Up, GpuMatrix Down)
{
    /// <summary>Those of a layout, one after the other from the begin of a memory that may be larger.</summary>
    public static ExpertWeights In(BufferView memory, in ExpertLayout layout, DeviceLimits limits)
    {
        ulong gate = (ulong)layout.Gate.Bytes, up = (ulong)layout.Up.Bytes, down = (ulong)layout.Down.Bytes;
        return new ExpertWeights(
            new GpuMatrix(layout.Gate, memory.Slice(0, gate), limits), new GpuMatrix(layout.Up, memory.Slice(gate, up), limits),
            new GpuMatrix(layout.Down, memory.Slice(gate + up, down), limits));
    }
}
