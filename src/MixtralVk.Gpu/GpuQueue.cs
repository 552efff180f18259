using Silk.NET.Vulkan;
using Semaphore = Silk.NET.Vulkan.Semaphore;

namespace MixtralVk.Gpu;

/// <summary>
/// Submits recorded stages in order and tells when they are done, by a timeline semaphore whose value counts submissions. Thread-safe.
/// </summary>
public sealed unsafe class GpuQueue
{
    private readonly GpuDevice _device;
    private readonly Queue _queue;
    private readonly Action<Action>? _hostLock;
    private readonly Lock _lock = new();
    private readonly Semaphore _timeline;
    private readonly Action _submitPending;
    private StageRun[] _pending = new StageRun[4]; // what the host's lock is to submit
    private int _pendingCount;
    private ulong _submitted;
    private Semaphore _awaited;     // another queue's, by the next submission
    private ulong _awaitedTicket;   // 0: none

    internal GpuQueue(GpuDevice device, DeviceQueue queue, AccessKind accesses, Action<Action>? hostLock)
    {
        _device = device;
        _queue = new Queue(queue.Handle);
        _hostLock = hostLock;
        _submitPending = SubmitPending;
        Family = queue.Family;
        Accesses = accesses;
        var type = new SemaphoreTypeCreateInfo(semaphoreType: SemaphoreType.Timeline, initialValue: 0);
        var info = new SemaphoreCreateInfo(pNext: &type);
        Semaphore semaphore;
        device.Vk.CreateSemaphore(device.Handle, &info, null, &semaphore).ThrowOnError("vkCreateSemaphore");
        _timeline = semaphore;
        device.Names.Set(ObjectType.Semaphore, semaphore.Handle, "timeline");
        device.Options.Replay?.Watch(this);
    }

    /// <summary>Index of the queue family.</summary>
    public int Family { get; }

    /// <summary>What its commands may do.</summary>
    internal AccessKind Accesses { get; }

    /// <summary>Ticket of the latest submission; 0 before the first.</summary>
    public ulong Submitted => Volatile.Read(ref _submitted);

    /// <summary>
    /// Bench hook: while true, submissions are counted and not handed to the driver, and every ticket counts as done. What a step takes
    /// then is the engine's own cost.
    /// </summary>
    internal bool LeavesOutDriver { get; set; }

    /// <summary>
    /// Submits stages <paramref name="firstStage"/> .. + <paramref name="stageCount"/> and returns at once. The ticket grows by one with
    /// each submission.
    /// </summary>
    public ulong Submit(Recording recording, int firstStage, int stageCount)
    {
        ArgumentNullException.ThrowIfNull(recording);
        return Submit([new StageRun(recording, firstStage, stageCount)]);
    }

    /// <summary>
    /// Submits stages of several recordings as one, in order, and returns at once. What throws leaves nothing of them on its way: where a
    /// host's lock throws after it has submitted, they are done (and <see cref="Submitted"/> counts them).
    /// </summary>
    public ulong Submit(params ReadOnlySpan<StageRun> runs)
    {
        foreach (StageRun run in runs)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(run.FirstStage);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(run.StageCount);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(run.FirstStage + run.StageCount, run.Recording.StageCount);
            ArgumentOutOfRangeException.ThrowIfNotEqual(run.Recording.QueueFamily, Family);
        }
        lock (_lock)
        {
            if (_hostLock is null) SubmitNext(runs);
            else SubmitUnderHostLock(_hostLock, runs);
            return _submitted;
        }
    }

    /// <summary>
    /// Whatever is submitted from now on begins when a submission to the device's other queue has finished, and sees what it wrote: which
    /// it need not where only the host has waited for it.
    /// </summary>
    public void Await(GpuQueue other, ulong ticket)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.LeavesOutDriver) return;
        lock (_lock) (_awaited, _awaitedTicket) = (other._timeline, Math.Max(_awaitedTicket, ticket));
        _device.Options.Replay?.Await(this, other, ticket);
    }

    /// <summary>True when the submission has finished.</summary>
    public bool IsDone(ulong ticket)
    {
        if (LeavesOutDriver) return true;
        ulong value;
        _device.Vk.GetSemaphoreCounterValue(_device.Handle, _timeline, &value).ThrowOnError("vkGetSemaphoreCounterValue");
        return value >= ticket;
    }

    /// <summary>Waits until the submission has finished; false when <paramref name="timeout"/> passed first (null: no limit).</summary>
    public bool Wait(ulong ticket, TimeSpan? timeout = null)
    {
        if (LeavesOutDriver) return true;
        Semaphore timeline = _timeline;
        var info = new SemaphoreWaitInfo(semaphoreCount: 1, pSemaphores: &timeline, pValues: &ticket);
        ulong nanoseconds = timeout is { } limit && limit.Ticks < long.MaxValue / 100
            ? (ulong)Math.Max(0, limit.Ticks) * 100 : ulong.MaxValue;
        Result result = _device.Vk.WaitSemaphores(_device.Handle, &info, nanoseconds);
        if (result == Result.Timeout) return false;
        result.ThrowOnError("vkWaitSemaphores");
        return true;
    }

    /// <summary>Under <see cref="_lock"/>, and through fields instead of a closure: submitting allocates nothing.</summary>
    private void SubmitUnderHostLock(Action<Action> hostLock, ReadOnlySpan<StageRun> runs)
    {
        if (_pending.Length < runs.Length) _pending = new StageRun[runs.Length];
        runs.CopyTo(_pending);
        _pendingCount = runs.Length;
        ulong before = _submitted;
        try
        {
            hostLock(_submitPending);
            if (_pendingCount > 0)
                throw new InvalidOperationException("The host's SubmitLock returned without running the action it was given.");
        }
        catch when (_submitted > before)
        {
            Wait(_submitted); // nobody gets the ticket to wait for before what was submitted is freed
            throw;
        }
        finally
        {
            _pendingCount = 0; // whatever it threw: the action is not to be run later
        }
    }

    private void SubmitPending()
    {
        if (_pendingCount == 0) throw new InvalidOperationException("The host's SubmitLock ran an action again or after it had returned.");
        int count = _pendingCount;
        _pendingCount = 0;
        SubmitNext(_pending.AsSpan(0, count));
    }

    /// <summary>What the driver has taken is counted at once: a host's lock may still throw.</summary>
    private void SubmitNext(ReadOnlySpan<StageRun> runs)
    {
        ulong ticket = _submitted + 1;
        int count = 0;
        foreach (StageRun run in runs) count += run.StageCount;
        CommandBufferSubmitInfo* commands = stackalloc CommandBufferSubmitInfo[count];
        int next = 0;
        foreach (StageRun run in runs)
            for (int i = 0; i < run.StageCount; i++)
                commands[next++] = new CommandBufferSubmitInfo(commandBuffer: run.Recording.CommandBuffer(run.FirstStage + i));
        var wait = new SemaphoreSubmitInfo(semaphore: _awaited, value: _awaitedTicket, stageMask: PipelineStageFlags2.AllCommandsBit);
        var signal = new SemaphoreSubmitInfo(semaphore: _timeline, value: ticket, stageMask: PipelineStageFlags2.AllCommandsBit);
        var submit = new SubmitInfo2(waitSemaphoreInfoCount: _awaitedTicket > 0 ? 1u : 0, pWaitSemaphoreInfos: &wait,
            commandBufferInfoCount: (uint)count, pCommandBufferInfos: commands, signalSemaphoreInfoCount: 1,
            pSignalSemaphoreInfos: &signal);
        if (!LeavesOutDriver) _device.Vk.QueueSubmit2(_queue, 1, &submit, default).ThrowOnError("vkQueueSubmit2");
        Volatile.Write(ref _submitted, ticket);
        _awaitedTicket = 0;
        foreach (StageRun run in runs) _device.Options.Replay?.Add(this, run.Recording, run.FirstStage, run.StageCount);
    }

    /// <summary>Destroys the semaphore; nothing may be in flight.</summary>
    internal void Destroy() => _device.Vk.DestroySemaphore(_device.Handle, _timeline, null);
}
