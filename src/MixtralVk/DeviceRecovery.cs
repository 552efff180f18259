using MixtralVk.Gpu;

namespace MixtralVk;

/// <summary>
/// Puts another device in the place of one that was lost, or that the host takes back. Called on the model's thread, but for
/// <see cref="Attach"/>.
/// </summary>
internal sealed class DeviceRecovery(LoadedDevice device, Action<DeviceLostException> tell) : IDisposable
{
    private readonly Lock _lock = new();
    private HostDevice? _attached;
    private TaskCompletionSource? _done;
    private DeviceLostException? _told;
    private bool _disposed;

    /// <summary>Has a device of the host's taken at the next <see cref="TryRecover"/>.</summary>
    public Task Attach(HostDevice host)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(MixtralModel));
            _attached = host;
            _done ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _done.Task;
        }
    }

    /// <summary>After the last <see cref="TryRecover"/>: who still waits for a device to be taken waits in vain.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _done?.TrySetException(new ObjectDisposedException(nameof(MixtralModel)));
        }
    }

    /// <summary>
    /// Frees what is on the device, tells of its loss, once, and loads everything onto another one; false while the host has not attached
    /// one. Throws where that fails, and may then be called again.
    /// </summary>
    public bool TryRecover(DeviceLostException? lost)
    {
        device.Release();
        if (lost is not null && lost != _told)
        {
            _told = lost;
            tell(lost);
        }
        HostDevice? host;
        TaskCompletionSource? done;
        lock (_lock)
        {
            if (device.IsHosts && _attached is null) return false;
            (host, _attached, done, _done) = (_attached, null, _done, null);
        }
        try
        {
            device.Reopen(host);
            done?.SetResult();
            return true;
        }
        catch (Exception problem)
        {
            done?.SetException(problem);
            throw;
        }
    }
}
