using System.Diagnostics.Metrics;

namespace MixtralVk.Experts;

/// <summary>What a layer's experts did since loading, where device and processor share them. Times in milliseconds.</summary>
/// <param name="Hits">Choices of a token whose expert was on the device.</param>
/// <param name="Misses">Choices whose expert the processor computed.</param>
/// <param name="GpuMilliseconds">What the device worked on hits, in steps it has a clock for.</param>
/// <param name="CpuMilliseconds">What the processor worked on misses.</param>
/// <param name="OverlapMilliseconds">What both worked at the same time.</param>
/// <param name="ShorterMilliseconds">What the side that took less time worked, in steps with something for both: the most that both can
/// work at the same time.</param>
/// <param name="UploadedBytes">Bytes of experts brought to the device after loading.</param>
/// <param name="Replacements">Experts that came to the device after loading.</param>
/// <param name="TakenHits">Hits that the processor computed all the same, as it was faster than the device.</param>
/// <param name="Guests">Experts that were brought to the device for one step of a prompt; their choices are misses, their time there is the
/// device's.</param>
/// <param name="Renewals">Times that all of the layer's slots were given back and taken anew, as the driver had moved them out of the
/// device's memory.</param>
public readonly record struct LayerActivity(long Hits, long Misses, double GpuMilliseconds, double CpuMilliseconds,
    double OverlapMilliseconds, double ShorterMilliseconds, long UploadedBytes, long Replacements, long TakenHits, long Guests,
    long Renewals)
{
    /// <summary>Hits among all choices; 0 before the first.</summary>
    public double HitRate => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);
}

/// <summary>
/// Counts what experts do, by layer, and tells the meter "MixtralVk" (System.Diagnostics.Metrics): mixtralvk.experts.hits, .misses,
/// .gpu_time and .cpu_time (ms), .uploaded (bytes), .replacements, .taken_hits, .guests and .renewals, each with the tag "layer". Counting
/// allocates nothing. Written by the model's thread; read by any, a layer's numbers of different moments perhaps.
/// </summary>
internal sealed class ExpertActivity
{
    private static readonly Meter s_meter = new("MixtralVk");
    private static readonly Counter<long> s_hits =
        s_meter.CreateCounter<long>("mixtralvk.experts.hits", description: "Choices whose expert was on the device.");
    private static readonly Counter<long> s_misses =
        s_meter.CreateCounter<long>("mixtralvk.experts.misses", description: "Choices whose expert the processor computed.");
    private static readonly Counter<double> s_gpuTime =
        s_meter.CreateCounter<double>("mixtralvk.experts.gpu_time", "ms", "Time of the device on hits.");
    private static readonly Counter<double> s_cpuTime =
        s_meter.CreateCounter<double>("mixtralvk.experts.cpu_time", "ms", "Time of the processor on misses.");

    private static readonly Counter<long> s_uploaded =
        s_meter.CreateCounter<long>("mixtralvk.experts.uploaded", "By", "Bytes of experts brought to the device after loading.");
    private static readonly Counter<long> s_replacements =
        s_meter.CreateCounter<long>("mixtralvk.experts.replacements", description: "Experts that came to the device after loading.");

    private static readonly Counter<long> s_takenHits = s_meter.CreateCounter<long>("mixtralvk.experts.taken_hits",
        description: "Choices on the device that the processor computed, being faster.");
    private static readonly Counter<long> s_guests =
        s_meter.CreateCounter<long>("mixtralvk.experts.guests", description: "Experts that came to the device for one step of a prompt.");

    private static readonly Counter<long> s_renewals = s_meter.CreateCounter<long>("mixtralvk.experts.renewals",
        description: "Times that a layer's slots were taken anew, as the driver had moved them out.");

    private readonly LayerActivity[] _layers;
    private readonly KeyValuePair<string, object?>[] _tags;

    public ExpertActivity(int layers)
    {
        _layers = new LayerActivity[layers];
        _tags = [.. Enumerable.Range(0, layers).Select(layer => new KeyValuePair<string, object?>("layer", layer))];
    }

    /// <summary>A copy of every layer's numbers.</summary>
    public LayerActivity[] Read() => [.. _layers];

    /// <summary>A step's choices in a layer.</summary>
    public void Count(int layer, int hits, int misses)
    {
        LayerActivity l = _layers[layer];
        _layers[layer] = l with { Hits = l.Hits + hits, Misses = l.Misses + misses };
        s_hits.Add(hits, _tags[layer]);
        s_misses.Add(misses, _tags[layer]);
    }

    /// <summary>Hits of a step in a layer that the processor computes.</summary>
    public void Take(int layer, int hits)
    {
        if (hits == 0) return;
        _layers[layer] = _layers[layer] with { TakenHits = _layers[layer].TakenHits + hits };
        s_takenHits.Add(hits, _tags[layer]);
    }

    /// <summary>What a step's experts took in a layer, in milliseconds.</summary>
    public void Spend(int layer, double gpu, double cpu, double overlap)
    {
        LayerActivity l = _layers[layer];
        _layers[layer] = l with
        {
            GpuMilliseconds = l.GpuMilliseconds + gpu, CpuMilliseconds = l.CpuMilliseconds + cpu,
            OverlapMilliseconds = l.OverlapMilliseconds + overlap, ShorterMilliseconds = l.ShorterMilliseconds + Math.Min(gpu, cpu),
        };
        s_gpuTime.Add(gpu, _tags[layer]);
        s_cpuTime.Add(cpu, _tags[layer]);
    }

    /// <summary>An expert of a layer came to the device for one step, and took it so many milliseconds.</summary>
    public void Invite(int layer, long bytes, double gpu)
    {
        LayerActivity l = _layers[layer];
        _layers[layer] = l with { Guests = l.Guests + 1, GpuMilliseconds = l.GpuMilliseconds + gpu };
        Upload(layer, bytes);
        s_gpuTime.Add(gpu, _tags[layer]);
        s_guests.Add(1, _tags[layer]);
    }

    /// <summary>A piece of an expert of a layer came to the device.</summary>
    public void Upload(int layer, long bytes)
    {
        _layers[layer] = _layers[layer] with { UploadedBytes = _layers[layer].UploadedBytes + bytes };
        s_uploaded.Add(bytes, _tags[layer]);
    }

    /// <summary>A layer's slots are given back, to be taken anew.</summary>
    public void Renew(int layer)
    {
        _layers[layer] = _layers[layer] with { Renewals = _layers[layer].Renewals + 1 };
        s_renewals.Add(1, _tags[layer]);
    }

    /// <summary>An expert of a layer is on the device from now on.</summary>
    public void Replace(int layer)
    {
        _layers[layer] = _layers[layer] with { Replacements = _layers[layer].Replacements + 1 };
        s_replacements.Add(1, _tags[layer]);
    }
}
