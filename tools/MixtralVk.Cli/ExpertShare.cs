using MixtralVk.Loading;

namespace MixtralVk.Cli;

/// <summary>What of a mixture's experts is to be on the GPU: so many bytes, or a part of all of them between 0 and 1.</summary>
internal readonly record struct ExpertShare(long? Bytes, double? Part)
{
    /// <summary>In bytes, for a model; a part is rounded up, so that it holds the experts it names.</summary>
    public long BytesOf(string file)
    {
        if (Bytes is long bytes) return bytes;
        using ModelSource source = ModelSource.Open(file);
        return (long)Math.Ceiling(source.Describe().ExpertBytes * Part!.Value);
    }

    /// <summary>Says on stderr where it is of no effect.</summary>
    public static void TellWhereUnused(bool isSparse, bool isOnGpu)
    {
        string? reason = !isSparse ? "this is a dense model, which has no experts" : isOnGpu ? null : "no GPU computes here";
        if (reason is not null) Console.Error.WriteLine($"--experts-on-gpu has no effect: {reason}.");
    }
}
