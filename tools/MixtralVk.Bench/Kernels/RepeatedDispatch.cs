using MixtralVk.Gpu;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench;

/// <summary>
/// The dispatches of a prepared case, to be recorded again and again: each time on the next of several copies of what must come from
/// memory, and with another shader in the place of ours. Owns the copies.
/// </summary>
internal sealed class RepeatedDispatch : IDisposable
{
    private const int MaxCopies = 4096;

    private readonly GpuDevice _device;
    private readonly Command[] _commands;
    private readonly GpuBuffer[] _cold;
    private readonly List<Dictionary<GpuBuffer, GpuBuffer>> _copies = [];
    private int _next;

    /// <param name="device">The device.</param>
    /// <param name="prepared">The case.</param>
    /// <param name="cold">Names of the bindings to copy.</param>
    /// <param name="workingSet">Bytes that the copies together should have.</param>
    /// <param name="shader">The shader to run in the place of ours, or null.</param>
    public RepeatedDispatch(GpuDevice device, PreparedCase prepared, IReadOnlyList<string> cold, long workingSet, string? shader)
    {
        _device = device;
        Recorder recorder = device.CreateRecorder();
        recorder.BeginStage("case");
        prepared.Record(recorder);
        _commands = [.. recorder.Commands.Where(c => c is not BarrierCommand).Select(c => Replace(c, prepared.Kernel.Shader, shader))];
        _cold = [.. _commands.OfType<DispatchCommand>().SelectMany(d => d.Buffers).Where(b => cold.Contains(b.Name))
            .Select(b => b.View.Buffer).Distinct()];
        long bytes = _cold.Sum(b => (long)b.Size);
        if (bytes == 0) return;
        long left = device.MemoryBudget - device.UsedMemory;
        Copies = (int)Math.Clamp((workingSet + bytes - 1) / bytes, 1, Math.Clamp(left / 2 / bytes, 1, MaxCopies));
        WorkingSet = Copies * bytes;
    }

    /// <summary>How many there are of what must come from memory, the original counted; 1 where nothing must.</summary>
    public int Copies { get; } = 1;

    /// <summary>Bytes of all copies together.</summary>
    public long WorkingSet { get; }

    /// <summary>Records the case once, on its own buffers.</summary>
    public void RecordFirst(Recorder recorder)
    {
        foreach (Command command in _commands) recorder.Add(command);
    }

    /// <summary>Makes the copies; the case's memory must hold its inputs by now (<see cref="CaseMemory.Run"/>).</summary>
    public void MakeCopies()
    {
        if (Copies == 1) return;
        Recorder recorder = _device.CreateRecorder();
        recorder.BeginStage("copies");
        for (int i = 1; i < Copies; i++)
        {
            var copy = new Dictionary<GpuBuffer, GpuBuffer>();
            _copies.Add(copy);
            foreach (GpuBuffer original in _cold)
            {
                copy[original] = _device.CreateBuffer(original.Size, BufferUse.Device, $"{original.Name} copy {i}");
                recorder.Copy(original.View, copy[original].View);
            }
        }
        using Recording recording = recorder.Finish("copies");
        _device.Queue.Wait(_device.Queue.Submit(recording, 0, 1));
    }

    /// <summary>Records the case once, on the next copy.</summary>
    public void Record(Recorder recorder)
    {
        Dictionary<GpuBuffer, GpuBuffer>? copy = _next == 0 ? null : _copies[_next - 1];
        _next = (_next + 1) % Copies;
        foreach (Command command in _commands) recorder.Add(copy is null ? command : OnCopy(command, copy));
    }

    public void Dispose()
    {
        foreach (GpuBuffer buffer in _copies.SelectMany(c => c.Values)) buffer.Dispose();
    }

    private static Command Replace(Command command, string ours, string? shader) =>
        shader is not null && command is DispatchCommand dispatch && dispatch.Pipeline.Shader == ours
            ? dispatch with { Pipeline = dispatch.Pipeline with { Shader = shader } } : command;

    private static Command OnCopy(Command command, Dictionary<GpuBuffer, GpuBuffer> copy)
    {
        BufferView Moved(BufferView view) =>
            copy.TryGetValue(view.Buffer, out GpuBuffer? other) ? new BufferView(other, view.Offset, view.Length) : view;
        return command is not DispatchCommand dispatch ? command : dispatch with
        {
            Buffers = [.. dispatch.Buffers.Select(b => b with { View = Moved(b.View) })],
            Accesses = [.. dispatch.Accesses.Select(a => a with { View = Moved(a.View) })],
        };
    }
}
