namespace Silk.NET.Core;

/// <summary>VkBool32: a 32-bit truth value.</summary>
internal readonly struct Bool32(uint value)
{
    public Bool32(bool value)
        : this(value ? 1u : 0u)
    {
    }

    public uint Value { get; } = value;

    public static implicit operator bool(Bool32 value) => value.Value != 0;

    public static implicit operator Bool32(bool value) => new(value);

    public static implicit operator uint(Bool32 value) => value.Value;

    public static implicit operator Bool32(uint value) => new(value);

    public override string ToString() => Value != 0 ? "true" : "false";
}
