namespace MixtralVk.Experts;

/// <summary>
/// What decides whether an expert is brought to the device for one step of a prompt, in any unit of time. NaN is not known; one try finds
/// it out.
/// </summary>
/// <param name="Upload">Bringing it there.</param>
/// <param name="GpuRow">Computing a row there.</param>
/// <param name="CpuRow">Computing a row on the processor; nothing is worth anything until that is known.</param>
internal readonly record struct GuestCosts(double Upload, double GpuRow, double CpuRow)
{
    /// <summary>
    /// Whether bringing an expert takes less time than it saves: the processor's for its rows, as far as the processor is the side that
    /// takes longer in this layer.
    /// </summary>
    /// <param name="rows">Rows that chose the expert.</param>
    /// <param name="missRows">All rows the processor would compute, these among them.</param>
    /// <param name="hitRows">Rows the device computes at the same time.</param>
    public bool IsWorth(int rows, int missRows, int hitRows)
    {
        double upload = double.IsNaN(Upload) ? 0 : Upload, gpuRow = double.IsNaN(GpuRow) ? 0 : GpuRow;
        return upload + gpuRow * rows < Math.Min(CpuRow * rows, CpuRow * missRows - gpuRow * hitRows);
    }
}
