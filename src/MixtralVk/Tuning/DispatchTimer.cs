using System.Diagnostics;
using MixtralVk.Gpu;

namespace MixtralVk.Tuning;

/// <summary>
/// Seconds of one dispatch, a sample for each submission: by timestamps where the queue has them, and of all the process's threads where
/// the driver runs on the CPU.
/// </summary>
internal sealed record DispatchTime(IReadOnlyList<double>? Gpu, IReadOnlyList<double>? Cpu)
{
    /// <summary>
    /// What speeds are computed from, the median: CPU seconds on a software driver, as wall time depends on what else runs.
    /// </summary>
    public double Seconds => (Cpu ?? Gpu)!.Order().ElementAt((Cpu ?? Gpu)!.Count / 2);
}

/// <summary>
/// Times what is recorded: a submission holds as many repetitions as give a measurable time, several submissions a median.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="samples">Measured submissions, after one that is not measured.</param>
/// <param name="submissionSeconds">About how long a submission takes.</param>
internal sealed class DispatchTimer(GpuDevice device, int samples = 5, double submissionSeconds = 0.1)
{
    private const int MaxRepetitions = 2048;

    private readonly bool _countsCpu = device.Description.Type == AdapterType.Software;

    /// <summary>Times <paramref name="record"/>, which is called once for every repetition.</summary>
    /// <param name="record">Records the work.</param>
    /// <param name="period">Repetitions after which the work begins anew: the copies of the weights.</param>
    /// <param name="cancellation">Ends it.</param>
    public DispatchTime Run(Action<Recorder> record, int period, CancellationToken cancellation)
    {
        if (!_countsCpu && !device.HasTimestamps)
            throw new GpuUnsupportedException(device.Description.Name, ["timestamps on its compute queue"]);
        using GpuTimer? timer = device.HasTimestamps ? device.CreateTimer(2) : null;
        int repetitions = Repetitions(record);
        // So many submissions that every copy is used before the first comes again.
        Recording[] ring =
            [.. Enumerable.Range(0, Math.Max(1, (period + repetitions - 1) / repetitions)).Select(_ => Make(record, repetitions, timer))];
        try
        {
            Submit(ring[^1]);
            List<double> gpu = [], cpu = [];
            for (int i = 0; i < samples; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                TimeSpan before = Environment.CpuUsage.TotalTime;
                Submit(ring[i % ring.Length]);
                cpu.Add((Environment.CpuUsage.TotalTime - before).TotalSeconds / repetitions);
                if (timer is not null) gpu.Add(timer.Seconds(0, 1) / repetitions);
            }
            return new DispatchTime(timer is null ? null : gpu, _countsCpu ? cpu : null);
        }
        finally
        {
            foreach (Recording recording in ring) recording.Dispose();
        }
    }

    /// <summary>How many fill the time of a submission. The first run, in which a driver may compile, does not count.</summary>
    private int Repetitions(Action<Recorder> record)
    {
        using Recording one = Make(record, 1, null);
        Submit(one);
        long start = Stopwatch.GetTimestamp();
        Submit(one);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return (int)Math.Clamp(submissionSeconds / Math.Max(seconds, 1e-7), 1, MaxRepetitions);
    }

    private Recording Make(Action<Recorder> record, int repetitions, GpuTimer? timer)
    {
        Recorder recorder = device.CreateRecorder();
        recorder.BeginStage("timed");
        if (timer is not null) recorder.Timestamp(timer, 0);
        for (int i = 0; i < repetitions; i++) record(recorder);
        if (timer is not null) recorder.Timestamp(timer, 1);
        return recorder.Finish("timed");
    }

    private void Submit(Recording recording) => device.Queue.Wait(device.Queue.Submit(recording, 0, 1));
}
