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
    private (Recording? Recording, int FirstStage, int StageCount) _pending;
    private ulong _submitted;

    internal GpuQueue(GpuDevice device, Queue queue, int family, Action<Action>? hostLock)
    {
        _device = device;
        _queue = queue;
        _hostLock = hostLock;
        _submitPending = SubmitPending;
        Family = family;
        var type = new SemaphoreTypeCreateInfo(semaphoreType: SemaphoreType.Timeline, initialValue: 0);
        var info = new SemaphoreCreateInfo(pNext: &type);
        Semaphore semaphore;
        device.Vk.CreateSemaphore(device.Handle, &info, null, &semaphore).ThrowOnError("vkCreateSemaphore");
        _timeline = semaphore;
        device.SetName(ObjectType.Semaphore, semaphore.Handle, "timeline");
    }

    /// <summary>Index of the queue family.</summary>
    public int Family { get; }

    /// <summary>Ticket of the latest submission; 0 before the first.</summary>
    public ulong Submitted => Volatile.Read(ref _submitted);

    /// <summary>
    /// Bench hook: while true, submissions are counted and not handed to the driver, and every ticket counts as done. What a step takes then is
    /// the engine's own cost.
    /// </summary>
    internal bool LeavesOutDriver { get; set; }

    /// <summary>
    /// Submits stages <paramref name="firstStage"/> .. + <paramref name="stageCount"/> and returns at once. The ticket grows by one with each
    /// submission.
    /// </summary>
    public ulong Submit(Recording recording, int firstStage, int stageCount)
    {
        ArgumentNullException.ThrowIfNull(recording);
        ArgumentOutOfRangeException.ThrowIfNegative(firstStage);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stageCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstStage + stageCount, recording.StageCount);
        lock (_lock)
        {
            ulong ticket = _submitted + 1;
            if (_hostLock is null) Submit(recording, firstStage, stageCount, ticket);
            else SubmitUnderHostLock(_hostLock, recording, firstStage, stageCount);
            Volatile.Write(ref _submitted, ticket);
            _device.Options.Replay?.Add(recording, firstStage, stageCount);
            return ticket;
        }
    }

    /// <summary>True when the submission has finished.</summary>
    public bool IsDone(ulong ticket)
    {
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
        ulong nanoseconds = timeout is { } limit && limit.Ticks < long.MaxValue / 100 ? (ulong)Math.Max(0, limit.Ticks) * 100 : ulong.MaxValue;
        Result result = _device.Vk.WaitSemaphores(_device.Handle, &info, nanoseconds);
        if (result == Result.Timeout) return false;
        result.ThrowOnError("vkWaitSemaphores");
        return true;
    }

    /// <summary>Under <see cref="_lock"/>, and through a field instead of a closure: submitting allocates nothing.</summary>
    private void SubmitUnderHostLock(Action<Action> hostLock, Recording recording, int firstStage, int stageCount)
    {
        _pending = (recording, firstStage, stageCount);
        hostLock(_submitPending);
        if (_pending.Recording is null) return;
        _pending = default;
        throw new InvalidOperationException("The host's SubmitLock returned without running the action it was given.");
    }

    private void SubmitPending()
    {
        if (_pending.Recording is not { } recording) throw new InvalidOperationException("The host's SubmitLock ran an action again or after it had returned.");
        (_, int firstStage, int stageCount) = _pending;
        _pending = default;
        Submit(recording, firstStage, stageCount, _submitted + 1);
    }

    private void Submit(Recording recording, int firstStage, int stageCount, ulong ticket)
    {
        CommandBufferSubmitInfo* commands = stackalloc CommandBufferSubmitInfo[stageCount];
        for (int i = 0; i < stageCount; i++) commands[i] = new CommandBufferSubmitInfo(commandBuffer: recording.CommandBuffer(firstStage + i));
        var signal = new SemaphoreSubmitInfo(semaphore: _timeline, value: ticket, stageMask: PipelineStageFlags2.AllCommandsBit);
        var submit = new SubmitInfo2(commandBufferInfoCount: (uint)stageCount, pCommandBufferInfos: commands, signalSemaphoreInfoCount: 1, pSignalSemaphoreInfos: &signal);
        if (LeavesOutDriver) return;
        _device.Vk.QueueSubmit2(_queue, 1, &submit, default).ThrowOnError("vkQueueSubmit2");
    }

    /// <summary>Destroys the semaphore; nothing may be in flight.</summary>
    internal void Destroy() => _device.Vk.DestroySemaphore(_device.Handle, _timeline, null);
}
