using MixtralVk.Gpu;

namespace MixtralVk;

/// <summary>Which Vulkan adapter a model goes onto: a pure function of the options and the adapters' descriptions.</summary>
internal static class AdapterChoice
{
    /// <summary>
    /// Index of the adapter; -1 when the options leave it to the engine and only a software driver, or nothing usable, is there.
    /// Throws <see cref="DeviceNotFoundException"/> when the options name an adapter, or ask for Vulkan, and there is none.
    /// </summary>
    public static int Choose(MixtralOptions options, IReadOnlyList<DeviceDescription> adapters)
    {
        if (options.AdapterIndex is int index)
            return index < adapters.Count ? index : throw NotFound($"There is no Vulkan adapter {index}", adapters);
        if (options.AdapterName is string name)
        {
            int named = IndexOf(adapters, adapter => adapter.Name.Contains(name, StringComparison.OrdinalIgnoreCase));
            return named >= 0 ? named : throw NotFound($"There is no Vulkan adapter named '{name}'", adapters);
        }
        int best = DeviceChoices.BestGpu(adapters);
        if (best >= 0 || options.Device == DeviceKind.Auto) return best;
        int usable = IndexOf(adapters, adapter => DeviceChoices.Missing(adapter).Count == 0);
        return usable >= 0 ? usable : throw NotFound("No Vulkan adapter can be used", adapters);
    }

    private static int IndexOf(IReadOnlyList<DeviceDescription> adapters, Predicate<DeviceDescription> match)
    {
        for (int i = 0; i < adapters.Count; i++)
            if (match(adapters[i])) return i;
        return -1;
    }

    private static DeviceNotFoundException NotFound(string what, IReadOnlyList<DeviceDescription> adapters) =>
        new(adapters.Count == 0
            ? $"{what}: this machine has none." : $"{what}; there are: {string.Join(", ", adapters.Select((a, i) => $"{i} {a.Name}"))}.");
}
