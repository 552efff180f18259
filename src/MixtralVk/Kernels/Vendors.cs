namespace MixtralVk.Kernels;

/// <summary>PCI ids of makers whose compilers want variants of their own (docs/vendors.md).</summary>
internal static class Vendors
{
    public const uint Amd = 0x1002, Intel = 0x8086, Nvidia = 0x10de;
}
