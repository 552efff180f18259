using System.Runtime.CompilerServices;

namespace MixtralVk.Cpu;

/// <summary>The first layer of a step that produced NaN or infinity; -1 is the embedding, the layer count the head.</summary>
internal static unsafe class StepStatus
{
    /// <summary>Nothing is wrong.</summary>
    public const int Clean = int.MaxValue;

    /// <summary>Notes a layer; from any thread.</summary>
    public static void Report(int* status, int layer)
    {
        ref int first = ref Unsafe.AsRef<int>(status);
        for (int seen = Volatile.Read(ref first); layer < seen;)
        {
            int before = Interlocked.CompareExchange(ref first, layer, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
