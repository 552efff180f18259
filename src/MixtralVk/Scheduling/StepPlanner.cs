using System.Numerics;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>A sequence's part in a step.</summary>
/// <param name="Sequence">The sequence.</param>
/// <param name="Draft">Its draft when the step was planned.</param>
/// <param name="Tokens">How many of its tokens the step computes.</param>
/// <param name="OutputRow">Its row of logits; -1 when none is wanted.</param>
internal readonly record struct Member(Sequence Sequence, Draft? Draft, int Tokens, int OutputRow);

/// <summary>
/// Decides who takes part in the next step. All texts of the highest priority that wait for one token each; beside them a chunk of prompts,
/// no longer than lets the others keep their rhythm; and who has a lower priority where it costs little or where it has waited long. Which
/// texts share a step changes no bit of any of them.
/// </summary>
internal sealed class StepPlanner(StageCosts costs)
{
    /// <summary>
    /// A chunk may make a step so many times as long as it is for those who wait for a token; one of a lower priority so many.
    /// </summary>
    private const double ChunkShare = 2, RiderShare = 0.25;

    /// <summary>Most of a frame's grant that the longest stage of a step with a chunk may take.</summary>
    private const double MostStageShare = 0.5;

    /// <summary>
    /// Rows below which a step with a chunk is a waste, as the weights are read for it all the same, and prompt tokens in it beside those
    /// of others.
    /// </summary>
    private const int LeastRows = 16, LeastChunk = 8;

    /// <summary>Who has waited so long is served whatever its priority is.</summary>
    private static readonly long s_starved = System.Diagnostics.Stopwatch.Frequency / 2;

    private readonly List<Sequence> _ready = [];
    private double _mostStage = double.PositiveInfinity;

    private static readonly Comparison<Sequence> s_order = static (a, b) =>
        a.RunsAlone != b.RunsAlone ? b.RunsAlone.CompareTo(a.RunsAlone)
        : a.Planned != b.Planned ? b.Planned.CompareTo(a.Planned)
        : a.Turn.CompareTo(b.Turn);

    /// <summary>
    /// Fills an empty batch; it stays empty when nobody is ready. Gives the sequence that the KV cache has no room for, although it is the
    /// first in turn and could take everybody else's; else null.
    /// </summary>
    /// <param name="active">All that the worker has something to do for.</param>
    /// <param name="batch">To be filled.</param>
    /// <param name="members">Who is in the batch, in its order.</param>
    /// <param name="now">Stopwatch timestamp.</param>
    /// <param name="granted">Milliseconds of a frame's grant; infinite without frames.</param>
    public Sequence? Plan(List<Sequence> active, StepBatch batch, List<Member> members, long now, double granted = double.PositiveInfinity)
    {
        _mostStage = granted * MostStageShare;
        FindReady(active, now);
        if (_ready.Count == 0) return null;
        if (_ready[0].RunsAlone) AddChunk(_ready[0], double.PositiveInfinity, always: true, batch, members);
        else Fill(batch, members, now);
        return batch.Count == 0 ? _ready[0] : null;
    }

    /// <summary>
    /// Of a text's tokens, all of whose rows are wanted, as many as keep each stage of a step within a frame: doubled as long as it is
    /// known to.
    /// </summary>
    public int ChunkOf(int tokens, double granted)
    {
        if (double.IsInfinity(granted)) return tokens;
        int chunk = LeastRows;
        while (chunk < tokens && costs.OfLongestStage(2 * chunk, 2 * chunk) <= granted * MostStageShare) chunk *= 2;
        return Math.Min(chunk, tokens);
    }

    /// <summary>
    /// Those who can go on, in order. Where the cache is full, who comes later gives way to who comes earlier, and who is not ready to all;
    /// so nobody takes a page, not even one that comes back from the host, before all have their ranks.
    /// </summary>
    private void FindReady(List<Sequence> active, long now)
    {
        _ready.Clear();
        foreach (Sequence sequence in active)
        {
            sequence.Kv.Rank = long.MaxValue;
            if (!sequence.IsReady) continue;
            if (sequence.WaitingSince == 0) sequence.WaitingSince = now;
            sequence.Planned = sequence.Priority;
            _ready.Add(sequence);
        }
        _ready.Sort(s_order);
        for (int i = 0; i < _ready.Count; i++) _ready[i].Kv.Rank = i;
        foreach (Sequence sequence in _ready) sequence.CatchUp();
    }

    private void Fill(StepBatch batch, List<Member> members, long now)
    {
        Priority top = _ready[0].Planned;
        foreach (Sequence s in _ready)
            if (s.Pending == 1 && (s.Planned == top || IsStarved(s, now))) Add(s, 1, batch, members);
        double limit = batch.Count == 0 ? double.PositiveInfinity : costs.OfStep(batch.Count, batch.OutputCount) * (1 + ChunkShare);
        bool isFirst = true;
        foreach (Sequence s in _ready)
            if (s.Pending > 1 && (s.Planned == top || IsStarved(s, now)) && AddChunk(s, limit, isFirst, batch, members)) isFirst = false;
        // The rest ride along: by now the step may be a chunk, beside which a token is cheap.
        limit = costs.OfStep(batch.Count, batch.OutputCount) * (1 + RiderShare);
        foreach (Sequence s in _ready)
        {
            if (s.Planned == top || IsStarved(s, now)) continue;
            if (s.Pending > 1) AddChunk(s, limit, always: false, batch, members);
            else if (costs.OfStep(batch.Count + 1, batch.OutputCount + 1) <= limit) Add(s, 1, batch, members);
        }
    }

    private static bool IsStarved(Sequence sequence, long now) => now - sequence.WaitingSince > s_starved;

    /// <summary>
    /// As much of a prompt as the step may take: its rows, which fill a class of row counts, are doubled while it is expected to stay
    /// within <paramref name="limit"/>, and its stages within a frame; a size never measured counts twice as much as the one before. The
    /// least is taken <paramref name="always"/>. Within frames, where time is what lacks, it is the size with most rows per millisecond.
    /// </summary>
    private bool AddChunk(Sequence sequence, double limit, bool always, StepBatch batch, List<Member> members)
    {
        int room = Math.Min(sequence.Pending, batch.Capacity - batch.Count), taken = 0;
        if (room == 0 || IsComputedBy(members, sequence)) return false;
        bool isHurried = !double.IsInfinity(_mostStage);
        double step = double.NaN, longest = double.NaN, best = always ? 0 : batch.Count / costs.OfStep(batch.Count, batch.OutputCount);
        for (int rows = LeastRowsBeside(batch.Count); ; rows *= 2)
        {
            int chunk = Math.Min(room, rows - batch.Count), outputs = batch.OutputCount + (chunk == sequence.Pending ? 1 : 0);
            step = KnownOr(costs.OfStep(batch.Count + chunk, outputs), 2 * step);
            longest = KnownOr(costs.OfLongestStage(batch.Count + chunk, outputs), 2 * longest);
            if (!(always && taken == 0) && !(step <= limit && longest <= _mostStage)) break;
            double rate = (batch.Count + chunk) / step;
            if (!isHurried || !(rate < best)) (taken, best) = (chunk, rate);
            if (chunk == room) break;
        }
        return taken > 0 && Add(sequence, taken, batch, members);

        static double KnownOr(double value, double guess) => double.IsNaN(value) ? guess : value;
    }

    /// <summary>
    /// Rows of the least step with a chunk beside so many rows of others; fewer than usual where its stages would not fit a frame.
    /// </summary>
    private int LeastRowsBeside(int others)
    {
        int rows = Math.Max(LeastRows, (int)BitOperations.RoundUpToPowerOf2((uint)(others + LeastChunk)));
        while (rows / 2 > others && costs.OfLongestStage(rows, 0) > _mostStage) rows /= 2;
        return rows;
    }

    /// <summary>True when others in the step go through the same beginning: what they compute can be had for nothing afterwards.</summary>
    private static bool IsComputedBy(List<Member> members, Sequence sequence)
    {
        foreach (Member member in members)
        {
            int common = member.Sequence.Tokens.CommonPrefixLength(sequence.Tokens[..^1]);
            if (common / KvPages.PageTokens * KvPages.PageTokens > sequence.Kv.Length) return true;
        }
        return false;
    }

    /// <summary>False when there is no room for it: in the batch, or in the cache for its whole text.</summary>
    private static bool Add(Sequence sequence, int tokens, StepBatch batch, List<Member> members)
    {
        if (batch.Count == batch.Capacity || !sequence.Kv.TryReserve(sequence.Tokens.Length, out _)) return false;
        bool last = tokens == sequence.Pending;
        members.Add(new Member(sequence, sequence.Draft, tokens, last ? batch.OutputCount : -1));
        batch.Add(sequence.Kv, sequence.Tokens.Slice(sequence.Kv.Length, tokens), last ? LogitRows.Last : LogitRows.None);
        return true;
    }
}
