namespace MixtralVk;

/// <summary>The device that the options name is not there.</summary>
public sealed class DeviceNotFoundException : MixtralException
{
    /// <summary>Makes the exception with its message.</summary>
    public DeviceNotFoundException(string message) : base(message) { }
}
