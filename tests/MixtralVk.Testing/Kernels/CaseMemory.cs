using System.Runtime.InteropServices;
using MixtralVk.Gpu;

namespace MixtralVk.Testing.Kernels;

/// <summary>Makes the buffers of one kernel case, runs its dispatches on them and checks the guards.</summary>
internal sealed class CaseMemory(GpuDevice device) : IDisposable
{
    /// <summary>What a status word holds while nothing was reported.</summary>
    public const uint NoSite = uint.MaxValue;

    private readonly List<CaseBuffer> _buffers = [];

    /// <summary>The smallest subgroup of the device.</summary>
    public uint MinSubgroupSize => device.Limits.MinSubgroupSize;

    /// <summary>An argument the kernel must not change.</summary>
    public CaseBuffer Input<T>(ReadOnlySpan<T> data, string name = "input")
        where T : unmanaged => Add(MemoryMarshal.Cast<T, uint>(data), true, name);

    /// <inheritdoc cref="Input{T}(ReadOnlySpan{T}, string)"/>
    public CaseBuffer Input<T>(T[] data, string name = "input") where T : unmanaged => Input<T>(data.AsSpan(), name);

    /// <summary>The view whose first word is the number of rows; what follows must not matter.</summary>
    public CaseBuffer Rows(int count) => Input<uint>([(uint)count, CaseBuffer.Poison], "rows");

    /// <summary>An argument the kernel changes.</summary>
    public CaseBuffer InOut<T>(T[] data, string name = "in/out") where T : unmanaged => Add(MemoryMarshal.Cast<T, uint>(data), false, name);

    /// <summary>A poisoned argument the kernel fills.</summary>
    public CaseBuffer Output(int words, string name = "output")
    {
        var poison = new uint[words];
        Array.Fill(poison, CaseBuffer.Poison);
        return Add(poison, false, name);
    }

    /// <summary>A status word that reports nothing yet.</summary>
    public CaseBuffer Status() => InOut([NoSite], "status");

    /// <summary>Uploads, runs what <paramref name="record"/> records, reads everything back and checks all guards.</summary>
    public void Run(Action<Recorder> record)
    {
        Recorder recorder = device.CreateRecorder();
        recorder.BeginStage("upload");
        foreach (CaseBuffer buffer in _buffers) buffer.RecordUpload(recorder);
        recorder.BeginStage("kernel");
        record(recorder);
        recorder.BeginStage("read back");
        foreach (CaseBuffer buffer in _buffers) buffer.RecordReadBack(recorder);
        using (Recording recording = recorder.Finish("kernel case"))
            device.Queue.Wait(device.Queue.Submit(recording, 0, recording.StageCount));
        foreach (CaseBuffer buffer in _buffers) buffer.CheckGuards();
    }

    public void Dispose()
    {
        foreach (CaseBuffer buffer in _buffers) buffer.Dispose();
    }

    private CaseBuffer Add(ReadOnlySpan<uint> words, bool isInput, string name)
    {
        var buffer = new CaseBuffer(device, words, isInput, name);
        _buffers.Add(buffer);
        return buffer;
    }
}
