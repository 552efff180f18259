namespace MixtralVk.Experts;

/// <summary>
/// Whether bringing an expert to the device for one step of a prompt is worth it, as measured while steps run (<see cref="GuestCosts"/>).
/// </summary>
internal sealed class GuestTimes
{
    /// <summary>
    /// So many experts not brought for the time of their upload alone and it is measured anew: the last one, as often the first, may have
    /// come from a disk. A prime, so that it is another layer each time.
    /// </summary>
    private const int Retry = 61;

    private readonly MeasuredTime _gpuRow = new(), _cpuRow = new(); // milliseconds
    private MeasuredTime _uploadByte = new();
    private int _refused;

    /// <summary>Uploading so many bytes took so many milliseconds.</summary>
    public void LearnUpload(double milliseconds, long bytes) => _uploadByte.Learn(milliseconds / bytes);

    /// <summary>The device took so many milliseconds for so many rows; where there were none, nothing is learned.</summary>
    public void LearnGpu(double milliseconds, int rows) => _gpuRow.Learn(milliseconds, rows);

    /// <summary>The processor took so many milliseconds for so many rows; where there were none, nothing is learned.</summary>
    public void LearnCpu(double milliseconds, int rows) => _cpuRow.Learn(milliseconds, rows);

    /// <inheritdoc cref="GuestCosts.IsWorth"/>
    /// <param name="bytes">Bytes of the expert.</param>
    /// <param name="rows">Rows that chose the expert.</param>
    /// <param name="missRows">All rows the processor would compute, these among them.</param>
    /// <param name="hitRows">Rows the device computes at the same time.</param>
    public bool IsWorth(long bytes, int rows, int missRows, int hitRows)
    {
        var costs = new GuestCosts(_uploadByte.Average * bytes, _gpuRow.Average, _cpuRow.Average);
        if (costs.IsWorth(rows, missRows, hitRows)) return true;
        if (!(costs with { Upload = double.NaN }).IsWorth(rows, missRows, hitRows) || ++_refused % Retry != 0) return false;
        _uploadByte = new MeasuredTime();
        return true;
    }
}
