using MixtralVk.Experts;
using MixtralVk.Scheduling;

namespace ExpertSimulator;

/// <summary>
/// What a trace takes with a policy: choices that hit, and seconds per token of a model with as many layers as the trace.
/// </summary>
internal readonly record struct Result(double HitRate, double SecondsPerToken, long Hits, long Uploads);

/// <summary>
/// Decodes a trace token by token: in each layer both sides work at the same time, so the slower one counts. Slots belong to layers, and
/// experts move by the engine's own <see cref="ExpertUse"/> and <see cref="ExpertSlots"/>.
/// </summary>
internal sealed class Simulation
{
    private readonly RoutingTrace _trace;
    private readonly Costs _costs;
    private readonly Policy _policy;
    private readonly ExpertUse _use;
    private readonly ExpertSlots _slots;
    private readonly long[] _lastUse; // (layers, experts)

    /// <param name="trace">What the router chose.</param>
    /// <param name="slots">Slots of all layers together, as many in each, and one more in the first ones.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="costs">What things take.</param>
    public Simulation(RoutingTrace trace, int slots, Policy policy, Costs costs)
    {
        (_trace, _policy, _costs) = (trace, policy, costs);
        _use = new ExpertUse(trace.Layers, trace.Experts);
        _lastUse = new long[trace.Layers * trace.Experts];
        _slots = new ExpertSlots([.. Enumerable.Range(0, trace.Layers).Select(_ => new int[trace.Experts])], []);
        for (int i = 0; i < Math.Min(slots, trace.Layers * trace.Experts); i++) _slots.Add(i % trace.Layers);
        foreach (ExpertMove move in _slots.Fill(policy == Policy.MostUsed ? UseOfAll() : _use).ToArray()) _slots.Put(move);
    }

    /// <summary>Runs the whole trace.</summary>
    public Result Run()
    {
        long hits = 0, uploads = 0;
        double seconds = 0, saved = 0;
        for (int token = 0; token < _trace.Tokens; token++)
        {
            double step = 0;
            for (int layer = 0; layer < _trace.Layers; layer++)
            {
                ReadOnlySpan<int> chosen = _trace.Of(token, layer);
                int here = 0;
                foreach (int expert in chosen) here += _slots.SlotOf(layer, expert) != ExpertSlots.None ? 1 : 0;
                int misses = chosen.Length - here;
                hits += here;
                bool looks = _slots.ResidentsOf(layer) < _trace.Experts;
                double work = _policy == Policy.UploadMisses ? chosen.Length * _costs.GpuExpert + misses
                    * _costs.Upload : Math.Max(here * _costs.GpuExpert, misses * _costs.CpuExpert);
                step += _costs.Dense + work + (looks ? _costs.HandOver : 0);
                if (_policy == Policy.FollowsUse) _use.Chosen(layer, chosen, 1);
                if (_policy == Policy.UploadMisses) uploads += UploadMisses(layer, chosen, token);
            }
            saved += Scheduler.RearrangingShare * step;
            while (_policy == Policy.FollowsUse && saved >= _costs.Upload && _slots.TryNextMove(_use, out ExpertMove move))
            {
                _slots.Put(move);
                saved -= _costs.Upload;
                step += _costs.Upload;
                uploads++;
            }
            saved = Math.Min(saved, Math.Max(_costs.Upload, Scheduler.RearrangingShare * step)); // little is saved up
            seconds += step;
        }
        return new Result(hits / (double)(_trace.Tokens * _trace.Layers * _trace.TopK), seconds / _trace.Tokens, hits, uploads);
    }

    private int UploadMisses(int layer, ReadOnlySpan<int> chosen, int token)
    {
        int uploads = 0;
        foreach (int expert in chosen) _lastUse[layer * _trace.Experts + expert] = token + 1;
        foreach (int expert in chosen)
        {
            if (_slots.SlotOf(layer, expert) != ExpertSlots.None) continue;
            uploads++;
            if (_slots.CountOf(layer) == 0) continue; // computed from a buffer for one
            int oldest = Enumerable.Range(0, _slots.CountOf(layer))
                .MinBy(slot => _lastUse[layer * _trace.Experts + _slots.ExpertIn(layer, slot)]);
            _slots.Put(new ExpertMove(layer, oldest, expert));
        }
        return uploads;
    }

    private ExpertUse UseOfAll()
    {
        var use = new ExpertUse(_trace.Layers, _trace.Experts);
        for (int token = 0; token < _trace.Tokens; token++)
            for (int layer = 0; layer < _trace.Layers; layer++)
                foreach (int expert in _trace.Of(token, layer)) use.Counts[layer * _trace.Experts + expert]++;
        return use;
    }
}
