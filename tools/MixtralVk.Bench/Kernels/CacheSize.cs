using System.Globalization;
using MixtralVk.Gpu;

namespace MixtralVk.Bench;

/// <summary>The last-level cache that weights must not fit: its size and where the number comes from.</summary>
internal sealed record CacheSize(long Bytes, string Source)
{
    // Vulkan does not tell. Larger than the last-level cache of every card known to us (RX 6900 XT: 128 MiB), and of most processors.
    private const long Assumed = 256L << 20;

    /// <summary>The processor's where the device is a software driver and the system tells, else an assumption.</summary>
    public static CacheSize Of(DeviceDescription device)
    {
        ArgumentNullException.ThrowIfNull(device);
        long bytes = device.Type == AdapterType.Software ? ProcessorCache("/sys/devices/system/cpu/cpu0/cache") : 0;
        return bytes > 0 ? new CacheSize(bytes, "of the processor") : new CacheSize(Assumed, "assumed");
    }

    /// <summary>Largest size in a folder of Linux's cache descriptions (index0/size, "32768K"); 0 where there is none.</summary>
    internal static long ProcessorCache(string folder)
    {
        if (!Directory.Exists(folder)) return 0;
        long largest = 0;
        foreach (string size in Directory.EnumerateDirectories(folder, "index*").Select(index => Path.Combine(index, "size"))
            .Where(File.Exists))
        {
            string text = File.ReadAllText(size).Trim();
            int shift = text.Length == 0 ? 0 : text[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
            if (long.TryParse(shift > 0 ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out long value))
                largest = Math.Max(largest, value << shift);
        }
        return largest;
    }
}
