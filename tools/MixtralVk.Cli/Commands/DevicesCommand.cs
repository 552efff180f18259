using System.CommandLine;
using MixtralVk.Gpu;

namespace MixtralVk.Cli.Commands;

/// <summary>`devices`: every Vulkan adapter, whether it can be used and what of it is.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var command = new Command("devices", "List the Vulkan adapters: driver, memory, limits and which optional features are used.");
        command.SetAction(_ => Run());
        return command;
    }

    private static void Run()
    {
        using GpuInstance? vulkan = Adapters.TryFind(out string? reason);
        foreach (GpuAdapter adapter in vulkan?.Adapters ?? []) Print(adapter);
        if (reason is not null) Console.Out.WriteLine($"no Vulkan: {reason}");
        Console.Out.WriteLine(
            $"CPU: {Environment.ProcessorCount} threads, {Quantity.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)} of memory");
    }

    private static void Print(GpuAdapter adapter)
    {
        DeviceDescription device = adapter.Description;
        DeviceLimits limits = device.Limits;
        Console.Out.WriteLine($"{device.Name} ({device.Type.ToString().ToLowerInvariant()})");
        Line("driver", $"{device.Driver}, Vulkan {device.ApiVersion}");
        Line("usable", adapter.Missing.Count == 0 ? "yes" : $"no: lacks {string.Join(", ", adapter.Missing)}");
        string free = adapter.FreeMemory() is long bytes ? $", {Quantity.Bytes(bytes)} free" : "";
        Line("memory", $"{string.Join(" + ", device.MemoryHeaps.Select(heap => $"{Quantity.Bytes((long)heap.Size)}{(heap.IsDeviceLocal ? " device" : " host")}"))}{free}");
        Line("limits", $"storage buffer range {Quantity.Bytes(limits.MaxStorageBufferRange)}, allocation {Quantity.Bytes((long)limits.MaxAllocationSize)}, " +
            $"workgroup {limits.MaxWorkgroupInvocations} invocations and {Quantity.Bytes(limits.MaxSharedMemory)} shared, " +
            $"subgroup {limits.SubgroupSize} ({limits.MinSubgroupSize} to {limits.MaxSubgroupSize})");
        Line("optional", $"used: {string.Join(", ", Used(device).DefaultIfEmpty("none"))}");
        Line("", $"there, no kernel uses them: {string.Join(", ", Unused(device.Features).DefaultIfEmpty("none"))}");
        Console.Out.WriteLine();
    }

    private static IEnumerable<string> Used(DeviceDescription device)
    {
        if (device.Extensions.Contains("VK_EXT_memory_budget")) yield return "memory budget";
        if (DeviceChoices.TransferQueueFamily(device) is not null) yield return "transfer queue";
        if (device.Features.IntegerDotProductAccelerated) yield return "integer dot product (where `mixtralvk tune` finds it faster)";
    }

    private static IEnumerable<string> Unused(DeviceFeatures features)
    {
        if (features.Storage16Bit) yield return "16-bit storage";
        if (features.Storage8Bit) yield return "8-bit storage";
        if (features.Float16) yield return "float16";
        if (features.Int8) yield return "int8";
        if (features.IntegerDotProduct && !features.IntegerDotProductAccelerated) yield return "integer dot product (not accelerated)";
    }

    private static void Line(string label, string text) => Console.Out.WriteLine($"  {label,-10}{text}");
}
