using System.Runtime.ExceptionServices;
using MixtralVk.Gpu.Extensions;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>
/// An opened device: buffers, pipelines, recorders, a compute queue and perhaps one that copies. Thread-safe unless a member says
/// otherwise. Dispose buffers and recordings first; disposing waits for the device.
/// </summary>
public sealed unsafe class GpuDevice : IDisposable
{
    private readonly GpuInstance? _ownInstance;
    private readonly GpuAdapter _adapter;
    private readonly HostImport? _import;
    private readonly bool _ownsDevice;
    private bool _disposed;

    private GpuDevice(Device handle, bool ownsDevice, GpuAdapter adapter, DeviceDescription description, bool imports,
        ShaderLibrary shaders, DeviceQueue queue, DeviceQueue? transfers,
        Action<Action>? submitLock, GpuInstance? ownInstance)
    {
        GpuOptions options = adapter.Instance.Options;
        Vk = VulkanLoader.Load(adapter.Instance.Handle, handle, options.ReplaceCommand);
        Handle = handle;
        _ownsDevice = ownsDevice;
        _ownInstance = ownInstance;
        _adapter = adapter;
        Names = new DebugNames(handle, adapter.Instance.DebugUtils);
        Description = options.LimitTo is { } limits ? description with { Limits = description.Limits.ClampTo(limits) } : description;
        Options = options;
        Pipelines = new PipelineStore(this, shaders);
        if (options.CompileOnly) return;
        try
        {
            _import = imports ? HostImport.TryCreate(this, adapter) : null;
            Memory = new GpuMemory(this, options.MemoryBudget ?? DeviceChoices.DefaultBudget(description),
                [.. new[] { (uint)queue.Family, (uint)(transfers?.Family ?? queue.Family) }.Distinct()],
                setsPriority: ownsDevice && DeviceCreation.KnowsMemoryPriority(description));
            Queue = new GpuQueue(this, queue, BarrierCommand.Device, submitLock);
            if (transfers is { } lent) Transfers = new GpuQueue(this, lent, BarrierCommand.Copies, submitLock);
        }
        catch
        {
            Queue?.Destroy();
            Pipelines.Dispose();
            throw;
        }
    }

    /// <summary>What the device is, with the limits in force: its own, or tighter ones from <see cref="GpuOptions.LimitTo"/>.</summary>
    public DeviceDescription Description { get; }

    /// <summary>The limits in force.</summary>
    public DeviceLimits Limits => Description.Limits;

    /// <summary>The compute queue.</summary>
    public GpuQueue Queue { get; } = null!;

    /// <summary>A queue that only copies, beside the compute queue; null where there is none.</summary>
    public GpuQueue? Transfers { get; }

    /// <summary>Bytes taken of the device's own memory.</summary>
    public long UsedMemory => Memory.UsedBytes;

    /// <summary>Buffers that were created and not disposed.</summary>
    public int LiveBuffers => Memory.LiveBuffers;

    /// <summary>Most bytes of memory to take; may be changed at any time, and frees nothing by itself.</summary>
    public long MemoryBudget { get => Memory.Budget; set => Memory.Budget = value; }

    /// <summary>
    /// True when device memory may be written through its mapping (<see cref="DeviceChoices.WritesDeviceMemoryDirectly"/>), without
    /// staging.
    /// </summary>
    public bool WritesMemoryDirectly => !Options.StagesUploads && DeviceChoices.WritesDeviceMemoryDirectly(Description);

    /// <summary>
    /// Most threads to make and submit recordings at once: one under the validation layer, which has crashed when two used it (1.3.239).
    /// </summary>
    public int Parallelism => Options.Validation ? 1 : Environment.ProcessorCount;

    /// <summary>
    /// Bytes of the device's memory that the driver says this process may take more; negative when it is to give some back, null where the
    /// driver cannot tell.
    /// </summary>
    public long? SpareMemory() => _adapter.SpareMemory();

    internal int TimestampBits => Description.QueueFamilies[Queue.Family].TimestampBits;

    internal Vk Vk { get; }

    internal Device Handle { get; }

    internal GpuOptions Options { get; }

    internal DebugNames Names { get; }

    internal GpuMemory Memory { get; } = null!;

    internal PipelineStore Pipelines { get; }

    /// <summary>
    /// Opens an adapter on a device of our own. Throws <see cref="GpuUnsupportedException"/> naming what it lacks. The instance must
    /// outlive the device.
    /// </summary>
    public static GpuDevice Open(GpuAdapter adapter, ShaderLibrary shaders)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        DeviceDescription description = adapter.Description;
        if (adapter.Missing.Count > 0 && !adapter.Instance.Options.CompileOnly)
            throw new GpuUnsupportedException(description.Name, adapter.Missing);
        GpuInstance instance = adapter.Instance;
        int family = DeviceChoices.ComputeQueueFamily(description);
        int? copies = instance.Options.CompileOnly ? null : DeviceChoices.TransferQueueFamily(description);
        Device handle = DeviceCreation.Create(adapter, copies is int second ? [family, second] : [family]);
        try
        {
            return new GpuDevice(handle, true, adapter, description, DeviceCreation.CanImport(description), shaders,
                FirstQueue(family), copies is int f ? FirstQueue(f) : null, null, null);
        }
        catch
        {
            instance.Vk.DestroyDevice(handle, null);
            throw;
        }

        DeviceQueue FirstQueue(int family)
        {
            Queue queue;
            instance.Vk.GetDeviceQueue(handle, (uint)family, 0, &queue);
            return new DeviceQueue(queue.Handle, family);
        }
    }

    /// <summary>
    /// What a host must enable on <paramref name="adapter"/> when it makes the device itself and lends it through <see cref="Wrap"/>.
    /// </summary>
    public static DeviceRequirements Requirements(GpuAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        if (adapter.Missing.Count > 0) throw new GpuUnsupportedException(adapter.Description.Name, adapter.Missing);
        DeviceDescription device = adapter.Description;
        QueueChoice queue = DeviceChoices.QueueBesideHost(device);
        List<string> features = [.. DeviceCreation.RequiredFeatures], extensions = [];
        if (device.Features.IntegerDotProduct) features.Add(DeviceCreation.DotProductFeature);
        if (DeviceCreation.CanImport(device)) extensions.Add(ExtExternalMemoryHost.ExtensionName);
        if (queue.GlobalPriority is { } low) extensions.Add(low);
        return new DeviceRequirements(features, extensions, queue.Family)
        {
            QueueIndex = queue.Index, QueueIsShared = queue.IsShared, GlobalPriority = queue.GlobalPriority,
            TransferQueueFamily = DeviceChoices.TransferQueueFamily(device),
        };
    }

    /// <summary>The same for a physical device of a host's own instance (<c>VkInstance</c>, <c>VkPhysicalDevice</c>).</summary>
    public static DeviceRequirements Requirements(nint instance, nint physicalDevice)
    {
        using GpuInstance attached = GpuInstance.Attach(instance, new GpuOptions());
        return Requirements(new GpuAdapter(attached, new PhysicalDevice(physicalDevice)));
    }

    /// <summary>
    /// Uses a device of the host. Throws <see cref="GpuUnsupportedException"/> naming what the host has not enabled, and
    /// <see cref="ArgumentException"/> when a queue's family is none that can do its work.
    /// </summary>
    public static GpuDevice Wrap(HostDevice host, ShaderLibrary shaders, GpuOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        GpuInstance instance = GpuInstance.Attach(host.Instance, options ?? new GpuOptions());
        try
        {
            var adapter = new GpuAdapter(instance, new PhysicalDevice(host.PhysicalDevice));
            DeviceDescription description = adapter.Description;
            string[] missing = [.. adapter.Missing, .. DeviceCreation.RequiredFeatures.Except(host.EnabledFeatures)];
            if (missing.Length > 0) throw new GpuUnsupportedException(description.Name, missing);
            if (!TraitsOf(host.QueueFamily).HasFlag(QueueTraits.Compute))
                throw new ArgumentException($"Queue family {host.QueueFamily} of {description.Name} cannot compute.", nameof(host));
            // Who computes or renders copies, too, whether the driver says so or not.
            if (host.TransferQueue is { Family: int copies }
                && (TraitsOf(copies) & (QueueTraits.Transfer | QueueTraits.Compute | QueueTraits.Graphics)) == 0)
                throw new ArgumentException($"Queue family {copies} of {description.Name} cannot copy.", nameof(host));
            bool imports = host.EnabledExtensions.Contains(ExtExternalMemoryHost.ExtensionName);
            // What the host left off cannot be used, whatever the adapter has.
            DeviceDescription lent =
                description with { Features = description.Features with { IntegerDotProduct = host.EnabledFeatures.Contains(DeviceCreation.DotProductFeature) } };
            return new GpuDevice(new Device(host.Device), false, adapter, lent, imports, shaders,
                new DeviceQueue(host.Queue, host.QueueFamily), host.TransferQueue, host.SubmitLock, instance);

            QueueTraits TraitsOf(int family) => (uint)family < (uint)description.QueueFamilies.Count
                ? description.QueueFamilies[family].Traits : QueueTraits.None;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes a buffer. Throws <see cref="OutOfGpuMemoryException"/> when the budget or the device has too little left; nothing is lost
    /// then.
    /// </summary>
    /// <param name="size">Bytes.</param>
    /// <param name="use">What it is for.</param>
    /// <param name="name">Name for error messages and captures.</param>
    /// <param name="yieldsFirst">
    /// Where the device's memory is short, the driver is to move this buffer out before all others, of other programs too: where it can be
    /// told so (VK_EXT_memory_priority) and the device is not a host's. Such buffers share no memory with others: when all are disposed of,
    /// the device has theirs back.
    /// </param>
    public GpuBuffer CreateBuffer(ulong size, BufferUse use, string name, bool yieldsFirst = false) =>
        Memory.Create(size, use, name, yieldsFirst);

    /// <summary>True when <see cref="CreateTimer"/> works: the compute queue writes timestamps.</summary>
    public bool HasTimestamps => TimestampBits > 0;

    /// <summary>
    /// Makes room for <paramref name="count"/> timestamps. Throws <see cref="GpuUnsupportedException"/> where the queue writes none.
    /// </summary>
    public GpuTimer CreateTimer(int count) => new(this, count);

    /// <summary>
    /// Makes a read-only buffer of memory that stays the caller's, without a copy, where the device can (VK_EXT_external_memory_host); null
    /// where it cannot, or refused once before: then the bytes are to be uploaded. The memory must stay as it is until the buffer is
    /// disposed. It counts in no budget.
    /// </summary>
    /// <param name="pointer">Address; 64 KiB alignment suits every device, less may do.</param>
    /// <param name="length">Length in bytes, a multiple of the same.</param>
    /// <param name="name">Name for error messages and captures.</param>
    public GpuBuffer? TryImport(nint pointer, ulong length, string name) =>
        _import?.TryImport((void*)pointer, length, name) is { } block ? Memory.Adopt(block, name) : null;

    /// <summary>Begins a recording for a queue of the device; null: the compute queue. For <see cref="Transfers"/> of copies only.</summary>
    public Recorder CreateRecorder(GpuQueue? queue = null) => new(this, queue ?? Queue);

    /// <summary>
    /// Makes the pipelines of the recorders in parallel, as each can take the driver a long time, and stores them in the cache file.
    /// <paramref name="progress"/> gets (done, total).
    /// </summary>
    public void PreparePipelines(IReadOnlyList<Recorder> recorders, IProgress<(int Done, int Total)>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(recorders);
        PipelineKey[] keys = [.. recorders.SelectMany(r => r.Pipelines).Distinct()];
        int done = 0;
        var gate = new Lock();
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Parallelism };
        try
        {
            Parallel.ForEach(keys, options, key =>
            {
                Pipelines.Get(key);
                lock (gate) progress?.Report((++done, keys.Length));
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
        Pipelines.Save();
    }

    /// <summary>
    /// Waits for what was submitted to the device's queues, and for nothing of a host that shares the device. Returns on a lost device too.
    /// </summary>
    public void WaitIdle()
    {
        if (Options.CompileOnly || _disposed) return;
        WaitFor(Queue);
        if (Transfers is not null) WaitFor(Transfers);

        static void WaitFor(GpuQueue queue)
        {
            try
            {
                queue.Wait(queue.Submitted);
            }
            catch (GpuException)
            {
                // Lost, or unable to wait: what follows is freeing our side, which is right all the same.
            }
        }
    }

    /// <summary>Waits for what was submitted and frees everything made from the device.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        WaitIdle();
        _disposed = true;
        Queue?.Destroy();
        Transfers?.Destroy();
        Pipelines.Dispose();
        Memory?.Dispose();
        if (_ownsDevice) Vk.DestroyDevice(Handle, null);
        Vk.Dispose();
        _ownInstance?.Dispose();
    }
}
