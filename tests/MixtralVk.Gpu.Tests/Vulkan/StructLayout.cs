namespace MixtralVk.Gpu.Tests.Vulkan;

/// <summary>Size of a struct and the offsets of its fields, in bytes, under their C names.</summary>
internal sealed record StructLayout(string Name, int Size, (string Field, int Offset)[] Fields)
{
    /// <summary>The line layouts.c prints for the struct.</summary>
    public override string ToString() => $"{Name} {Size}{string.Concat(Fields.Select(f => $" {f.Field}={f.Offset}"))}";
}
