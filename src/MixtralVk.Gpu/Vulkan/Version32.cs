namespace Silk.NET.Core;

/// <summary>A packed Vulkan version: variant (3 bits, always 0 here), major (7), minor (10), patch (12).</summary>
internal readonly struct Version32(uint value)
{
    public Version32(uint major, uint minor, uint patch)
        : this((major << 22) | (minor << 12) | patch)
    {
    }

    public uint Value { get; } = value;

    public uint Major => (Value >> 22) & 0x7F;

    public uint Minor => (Value >> 12) & 0x3FF;

    public uint Patch => Value & 0xFFF;

    public static explicit operator Version32(uint value) => new(value);

    public static implicit operator uint(Version32 version) => version.Value;

    public static implicit operator Version(Version32 version) => new((int)version.Major, (int)version.Minor, (int)version.Patch);
}
