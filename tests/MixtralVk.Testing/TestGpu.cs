using MixtralVk.Gpu;

namespace MixtralVk.Testing;

/// <summary>
/// A device for tests: validation layer with synchronisation validation on, every message kept, everything submitted kept for the hazard
/// replay. Disposing it fails the test on any message, hazard or leaked buffer.
/// </summary>
internal sealed class TestGpu : IDisposable
{
    private readonly List<string> _messages = [];
    private readonly GpuInstance _instance;

    private TestGpu(ShaderLibrary shaders, string? adapter, Func<GpuOptions, GpuOptions>? with)
    {
        var options = new GpuOptions { Validation = true, Replay = Replay, OnMessage = m => { lock (_messages) _messages.Add(m); } };
        _instance = GpuInstance.Create(with?.Invoke(options) ?? options);
        try
        {
            Adapter = Choose(_instance, adapter);
            Device = GpuDevice.Open(Adapter, shaders);
        }
        catch
        {
            _instance.Dispose();
            throw;
        }
    }

    /// <summary>Names of the devices to test on: the software driver, whose absence fails the test, and any real GPU.</summary>
    public static IEnumerable<string> AdapterNames()
    {
        using GpuInstance instance = GpuInstance.Create();
        GpuAdapter software = Choose(instance, null);
        return [software.Description.Name, .. instance.Adapters.Where(a =>
            a.Description.Type != AdapterType.Software && a.Missing.Count == 0).Select(a => a.Description.Name)];
    }

    public GpuAdapter Adapter { get; }

    public GpuDevice Device { get; }

    public HazardReplay Replay { get; } = new();

    public IReadOnlyList<string> Messages
    {
        get { lock (_messages) return [.. _messages]; }
    }

    /// <summary>Opens an adapter by name; null takes the software driver.</summary>
    public static TestGpu Open(ShaderLibrary shaders, string? adapter = null, Func<GpuOptions, GpuOptions>? with = null) =>
        new(shaders, adapter, with);

    private static GpuAdapter Choose(GpuInstance instance, string? name) =>
        instance.Adapters.FirstOrDefault(a => name is null ? a.Description.Type == AdapterType.Software : a.Description.Name == name)
        ?? throw new InvalidOperationException(name is null
            ? "The software driver is missing: install mesa-vulkan-drivers (tools/test.sh does)."
            : $"There is no Vulkan device {name}.");

    /// <summary>The device as a host would lend it.</summary>
    public unsafe HostDevice Lend()
    {
        DeviceRequirements requirements = GpuDevice.Requirements(Adapter.Instance.Handle.Handle, Adapter.Handle.Handle);
        Silk.NET.Vulkan.Queue queue;
        Device.Vk.GetDeviceQueue(Device.Handle, (uint)requirements.QueueFamily, (uint)requirements.QueueIndex, &queue);
        return new HostDevice
        {
            Instance = Adapter.Instance.Handle.Handle,
            PhysicalDevice = Adapter.Handle.Handle,
            Device = Device.Handle.Handle,
            Queue = queue.Handle,
            QueueFamily = requirements.QueueFamily,
            EnabledFeatures = [.. requirements.Features],
        };
    }

    /// <summary>Runs one recording and waits for it.</summary>
    public void Run(Recorder recorder, string name = "test")
    {
        using Recording recording = recorder.Finish(name);
        Device.Queue.Wait(Device.Queue.Submit(recording, 0, recording.StageCount));
    }

    /// <summary>Fails on any validation message and any access that no barrier orders.</summary>
    public void AssertClean()
    {
        if (Messages.Count > 0)
            throw new InvalidOperationException(
                $"The validation layer said {Messages.Count} things, first: {string.Join(Environment.NewLine, Messages.Take(3))}");
        if (Replay.Hazard is { } hazard) throw new InvalidOperationException($"Unsynchronised access: {hazard}");
    }

    public void Dispose()
    {
        int leaked = Device.LiveBuffers;
        Device.Dispose();
        _instance.Dispose();
        AssertClean();
        if (leaked > 0) throw new InvalidOperationException($"{leaked} buffers were not disposed.");
    }
}
