namespace MixtralVk.Gpu;

/// <summary>
/// Collects dispatches and copies as a list of stages, puts barriers where their ranges conflict, and makes a <see cref="Recording"/> that
/// can be submitted again and again. Not thread-safe.
/// </summary>
public sealed class Recorder
{
    private readonly GpuDevice _device;
    private readonly GpuQueue _queue;
    private readonly List<RecordedStage> _stages = [];
    private readonly RangeTracker _tracker = new();
    private readonly List<NamedConstant> _constants = [];
    private readonly List<NamedConstant> _push = [];
    private static int _groups;
    private int _group;

    internal Recorder(GpuDevice device, GpuQueue queue) => (_device, _queue) = (device, queue);

    /// <summary>Pipelines the recording needs; made in parallel by <see cref="GpuDevice.PreparePipelines"/>.</summary>
    internal IEnumerable<PipelineKey> Pipelines => _stages.SelectMany(s => s.Commands).OfType<DispatchCommand>().Select(d => d.Pipeline);

    /// <summary>Stages begun so far.</summary>
    public int StageCount => _stages.Count;

    /// <summary>What was recorded so far; for the shader bench, which records it again with other buffers.</summary>
    internal IEnumerable<Command> Commands => _stages.SelectMany(s => s.Commands);

    /// <summary>
    /// Begins a stage: the smallest unit of submission. It starts with a full barrier, as whatever ran before may have been any other
    /// recording.
    /// </summary>
    public void BeginStage(string name)
    {
        EndStage();
        BarrierCommand begin = FullBarrier();
        _stages.Add(new RecordedStage(name, [begin]));
        _tracker.Barrier(begin);
    }

    /// <summary>
    /// Until disposed, commands recorded are declared not to touch each other's bytes although their ranges overlap (experts that write
    /// interleaved rows, matrices that fill different columns): no barrier between them.
    /// </summary>
    public IDisposable Concurrent()
    {
        if (_group != 0) throw new InvalidOperationException("A concurrent group is open already.");
        _group = Interlocked.Increment(ref _groups);
        return new ConcurrentGroup(this);
    }

    private sealed class ConcurrentGroup(Recorder recorder) : IDisposable
    {
        public void Dispose() => recorder._group = 0;
    }

    /// <summary>Records a dispatch of a kernel.</summary>
    public void Dispatch<TKernel>(in TKernel kernel) where TKernel : struct, IKernel => Add(Describe(kernel, null));

    /// <summary>Records a dispatch whose size, three words at <paramref name="arguments"/>, an earlier dispatch writes.</summary>
    public void DispatchIndirect<TKernel>(in TKernel kernel, BufferView arguments)
        where TKernel : struct, IKernel => Add(Describe(kernel, arguments));

    /// <summary>Records a copy; both views have the same length, a multiple of 4.</summary>
    public void Copy(BufferView source, BufferView destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, source.Length);
        Add(new CopyCommand(source, destination));
    }

    /// <summary>Records setting every 32-bit word of a view to <paramref name="value"/>.</summary>
    public void Fill(BufferView destination, uint value) => Add(new FillCommand(destination, value));

    /// <summary>
    /// Records a timestamp: the time when everything recorded before it has finished. It is written in the place of an earlier one, once a
    /// submission.
    /// </summary>
    public void Timestamp(GpuTimer timer, int index)
    {
        ArgumentNullException.ThrowIfNull(timer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)timer.Count, nameof(index));
        Add(new TimestampCommand(timer, index));
    }

    /// <summary>
    /// Makes the recording. Pipelines not made yet are made now, so call <see cref="GpuDevice.PreparePipelines"/> first where time matters.
    /// </summary>
    public Recording Finish(string name)
    {
        EndStage();
        return new Recording(_device, _queue.Family, name, [.. _stages]);
    }

    internal void Add(Command command)
    {
        if (_stages.Count == 0) throw new InvalidOperationException("Begin a stage first.");
        command = command with { Group = _group };
        List<Command> commands = _stages[^1].Commands;
        if (_tracker.Conflict(command) is not null)
        {
            BarrierCommand barrier = FullBarrier();
            commands.Add(barrier);
            _tracker.Barrier(barrier);
        }
        commands.Add(command);
        _tracker.Add(command);
    }

    private BarrierCommand FullBarrier() => new(_queue.Accesses, _queue.Accesses);

    /// <summary>A stage that copied to read-back memory ends with a barrier towards the host.</summary>
    private void EndStage()
    {
        if (_stages.Count == 0) return;
        List<Command> commands = _stages[^1].Commands;
        bool returns = commands.SelectMany(c => c.Accesses).Any(a => a.Writes && a.View.Buffer.Use == BufferUse.ReadBack);
        if (returns) commands.Add(new BarrierCommand(AccessKind.AnyWrite, AccessKind.HostRead));
    }

    private DispatchCommand Describe<TKernel>(in TKernel kernel, BufferView? indirect) where TKernel : struct, IKernel
    {
        _constants.Clear();
        _push.Clear();
        var buffers = new List<NamedBuffer>();
        var bindings = new Bindings(_constants, buffers, _push);
        kernel.Bind(ref bindings);
        Check(kernel.Shader, kernel.Workgroups, buffers, indirect is null);

        var accesses = new List<Access>(buffers.Count + 1);
        foreach (NamedBuffer buffer in buffers)
        {
            if (buffer.Access.HasFlag(BufferAccess.Read)) accesses.Add(new Access(buffer.View, AccessKind.ShaderRead));
            if (buffer.Access.HasFlag(BufferAccess.Write)) accesses.Add(new Access(buffer.View, AccessKind.ShaderWrite));
        }
        if (indirect is { } arguments) accesses.Add(new Access(arguments.Slice(0, 12), AccessKind.IndirectRead));

        var key = new PipelineKey(kernel.Shader, new WordList([.. _constants.Select(c => c.Bits)]),
            new WordList([.. buffers.Select(b => (uint)b.Kind)]), _push.Count,
            bindings.SubgroupSize);
        return new DispatchCommand(key, buffers, [.. _push.Select(p => p.Bits)], kernel.Workgroups, indirect, accesses);
    }

    private void Check(string shader, DispatchSize size, List<NamedBuffer> buffers, bool isDirect)
    {
        DeviceLimits limits = _device.Limits;
        int storageBuffers = buffers.Count(b => b.Kind == BindingKind.Storage);
        if (storageBuffers > limits.MaxStorageBuffersPerStage)
            throw new ArgumentException(
                $"{shader}: {storageBuffers} storage buffers, the device binds {limits.MaxStorageBuffersPerStage}.");
        if (_push.Count * 4 > limits.MaxPushConstantsSize)
            throw new ArgumentException($"{shader}: {_push.Count * 4} bytes of push constants.");
        if (isDirect && Math.Max(size.X, Math.Max(size.Y, size.Z)) > limits.MaxWorkgroupCount)
            throw new ArgumentException($"{shader}: {size} exceeds the device's workgroup count.");
        foreach (NamedBuffer buffer in buffers)
        {
            if (buffer.Kind == BindingKind.Storage && buffer.View.Length > limits.MaxStorageBufferRange)
                throw new ArgumentException(
                    $"{shader}: {buffer.Name} binds {buffer.View.Length} bytes, the device allows {limits.MaxStorageBufferRange}.");
            if ((buffer.View.Buffer.BlockOffset + buffer.View.Offset) % limits.MinStorageBufferOffsetAlignment != 0)
                throw new ArgumentException(
                    $"{shader}: {buffer.Name} starts at {buffer.View.Offset}, not aligned to {limits.MinStorageBufferOffsetAlignment}.");
        }
    }
}

/// <summary>A stage: its name and commands in order.</summary>
internal sealed record RecordedStage(string Name, List<Command> Commands);
