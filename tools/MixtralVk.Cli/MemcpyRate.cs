using System.Diagnostics;

namespace MixtralVk.Cli;

/// <summary>How fast this machine copies memory with all its threads: what an upload of weights is measured against.</summary>
internal static class MemcpyRate
{
    private const int BlockBytes = 32 << 20, Rounds = 8;

    /// <summary>Bytes copied per second.</summary>
    public static double Measure()
    {
        int threads = Environment.ProcessorCount;
        byte[][] from = [.. Enumerable.Range(0, threads).Select(i => Filled((byte)(i + 1)))],
            to = [.. Enumerable.Range(0, threads).Select(_ => Filled(0))];
        long start = Stopwatch.GetTimestamp();
        Parallel.For(0, threads * Rounds, new ParallelOptions { MaxDegreeOfParallelism = threads },
            i => from[i % threads].CopyTo(to[i % threads], 0));
        return (double)threads * Rounds * BlockBytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>A block whose pages are there, so that the first copy does not pay for them.</summary>
    private static byte[] Filled(byte value)
    {
        var block = new byte[BlockBytes];
        block.AsSpan().Fill(value);
        return block;
    }
}
