using MixtralVk.Loading;

namespace MixtralVk;

/// <summary>Decides, before anything is read, whether weights are mapped or read, and refuses what the main memory cannot hold.</summary>
internal static class WeightPlacement
{
    /// <summary>Bytes of main memory this process may take; a container's limit counts.</summary>
    public static long MainMemory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>True when the weights of <paramref name="source"/> are to be used in place.</summary>
    public static bool Maps(ModelSource source, MapMode mode, MemoryUsage usage, long mainMemory)
    {
        if (mode == MapMode.Always && !source.CanMap)
            throw new ModelFileException(source.Path, $"cannot be mapped, only a packed model can; {PackCommand(source.Path)} makes one.");
        return source.CanMap && mode switch
        {
            MapMode.Always => true,
            MapMode.Never => false,
            MapMode.Auto => usage.TotalBytes > mainMemory / 10 * 8,
        };
    }

    /// <summary>
    /// Throws <see cref="HostMemoryException"/> when weights that are to be read do not fit the main memory beside keys and values.
    /// </summary>
    public static void RefuseTooLarge(ModelSource source, MemoryUsage usage, long mainMemory)
    {
        if (usage.TotalBytes <= mainMemory) return;
        throw new HostMemoryException(usage.TotalBytes, mainMemory,
            advice: usage.KvCacheBytes > mainMemory ? "ask for a shorter context or a smaller KV cache"
            : source.CanMap ? "let the file be mapped instead of read" : $"{PackCommand(source.Path)} makes a file that is used in place");
    }

    private static string PackCommand(string path) => $"mixtralvk pack \"{path}\" -o \"{Path.ChangeExtension(path, ".mvk")}\"";
}
