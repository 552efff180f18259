namespace MixtralVk.Model;

/// <summary>How the weights of a loaded model came where they are.</summary>
/// <param name="CopiedBytes">Bytes written to the device or to main memory.</param>
/// <param name="CopyTime">Time from the first to the last of them, reading and repacking included.</param>
/// <param name="InPlaceBytes">Bytes used where the file is mapped, without a copy.</param>
public readonly record struct WeightTransfer(long CopiedBytes, TimeSpan CopyTime, long InPlaceBytes)
{
    /// <summary>Copied bytes per second; 0 when nothing was copied.</summary>
    public double BytesPerSecond => CopiedBytes == 0 ? 0 : CopiedBytes / CopyTime.TotalSeconds;

    /// <summary>Both, one after the other.</summary>
    internal WeightTransfer Plus(WeightTransfer next) =>
        new(CopiedBytes + next.CopiedBytes, CopyTime + next.CopyTime, InPlaceBytes + next.InPlaceBytes);
}
