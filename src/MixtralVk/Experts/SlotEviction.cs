using MixtralVk.Kernels;

namespace MixtralVk.Experts;

/// <summary>
/// Which layers' slots the driver has moved out of the device's memory without a word, told by the device's time per expert: over a bus it
/// is ten times as long and more. Who renders beside the model lengthens that time, too, but hardly in each of many steps, so the shortest
/// of some counts, each beside the shortest that steps of its class ever had: many rows may take an expert several times as long as one.
/// What taking slots anew does not make quick, as others need the memory, is tried ever more rarely. Not thread-safe.
/// </summary>
internal sealed class SlotEviction(int layerCount)
{
    /// <summary>So many times a layer's shortest time, in each of <see cref="Steps"/> steps, is no chance.</summary>
    private const double Slow = 4;

    /// <summary>Steps that are looked at together.</summary>
    private const int Steps = 16;

    /// <summary>
    /// Seconds after a layer's slots were taken anew before they are again; doubled each time, until the layer is quick for as long.
    /// </summary>
    private const int ShortestPause = 16, LongestPause = 1024;

    /// <summary>Of the latest steps: the least number of times the shortest time that steps of its class ever had.</summary>
    private record struct Layer(double Least, int Steps, bool IsSlow, long NotBefore, int Pause)
    {
        public static readonly Layer New = new(double.PositiveInfinity, 0, false, 0, ShortestPause);
    }

    private readonly Layer[] _layers = [.. Enumerable.Repeat(Layer.New, layerCount)];

    /// <summary>(layer, class): milliseconds of an expert, the shortest there ever were.</summary>
    private readonly double[] _best = [.. Enumerable.Repeat(double.PositiveInfinity, layerCount * TokenClasses.All.Count)];
    private long _seconds;

    /// <summary>
    /// In a step of so many tokens the device took so many milliseconds for so many experts of a layer; where there were none, nothing is
    /// learned.
    /// </summary>
    public void Learn(int layer, TokenClass tokens, double milliseconds, int experts)
    {
        if (experts == 0 || !(milliseconds > 0)) return;
        ref Layer l = ref _layers[layer];
        ref double best = ref _best[layer * TokenClasses.All.Count + (int)tokens];
        best = Math.Min(best, milliseconds / experts);
        l.Least = Math.Min(l.Least, milliseconds / experts / best);
        if (++l.Steps < Steps) return;
        l.IsSlow = l.Least > Slow;
        if (!l.IsSlow && _seconds >= l.NotBefore) l.Pause = ShortestPause;
        (l.Least, l.Steps) = (double.PositiveInfinity, 0);
    }

    /// <summary>
    /// Another second is over: the layers whose slots are to be taken anew now. None while the device has no room, where they would be
    /// moved out again.
    /// </summary>
    public IReadOnlyList<int> Tick(bool hasRoom)
    {
        _seconds++;
        List<int>? evicted = null;
        for (int layer = 0; hasRoom && layer < _layers.Length; layer++)
        {
            ref Layer l = ref _layers[layer];
            if (!l.IsSlow || _seconds < l.NotBefore) continue;
            (evicted ??= []).Add(layer);
            l = Layer.New with { NotBefore = _seconds + l.Pause, Pause = Math.Min(2 * l.Pause, LongestPause) };
        }
        return evicted ?? [];
    }
}
