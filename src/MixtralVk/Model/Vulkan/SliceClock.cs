using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>Two tiny recorded stages, to stand before and after others in one submission: what the device takes between them.</summary>
internal sealed class SliceClock : IDisposable
{
    private readonly GpuTimer _timer;
    private readonly Recording _recording;

    public SliceClock(GpuDevice device)
    {
        _timer = device.CreateTimer(2);
        try
        {
            Recorder recorder = device.CreateRecorder();
            for (int i = 0; i < 2; i++)
            {
                recorder.BeginStage(i == 0 ? "begin of a slice" : "end of a slice");
                recorder.Timestamp(_timer, i);
            }
            _recording = recorder.Finish("slice clock");
        }
        catch
        {
            _timer.Dispose();
            throw;
        }
    }

    public StageRun Begin => new(_recording, 0, 1);

    public StageRun End => new(_recording, 1, 1);

    /// <summary>Of the latest submission, which has finished.</summary>
    public TimeSpan Time => TimeSpan.FromSeconds(_timer.Seconds(0, 1));

    public void Dispose()
    {
        _recording.Dispose();
        _timer.Dispose();
    }
}
