namespace Silk.NET.Vulkan;

/// <summary>Finds commands through vkGetInstanceProcAddr or vkGetDeviceProcAddr for one instance or device.</summary>
internal readonly unsafe struct CommandSource(delegate* unmanaged<nint, byte*, nint> getProcAddress, nint handle)
{
    /// <summary>Address of the command, 0 where the instance or device does not have it.</summary>
    /// <param name="name">The C name as a UTF-8 literal, which the compiler ends with a zero byte.</param>
    public nint Find(ReadOnlySpan<byte> name)
    {
        fixed (byte* pName = name)
        {
            return getProcAddress(handle, pName);
        }
    }
}
