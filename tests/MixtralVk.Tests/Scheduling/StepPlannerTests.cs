using MixtralVk.Model;
using MixtralVk.Scheduling;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Scheduling;

/// <summary>Who takes part in a step, by what steps are measured to cost.</summary>
public sealed class StepPlannerTests : IDisposable
{
    private readonly TemporaryFile _file;
    private readonly ForwardPass _forward;
    private readonly StageCosts _costs;
    private readonly StepPlanner _planner;
    private readonly StepBatch _batch = new(64);
    private readonly List<Sequence> _active = [];
    private readonly List<Member> _members = [];

    public StepPlannerTests()
    {
        _file = new SyntheticModel().WriteTemporary();
        _forward = TestDevices.Open("cpu", _file.Path, context: 128, maxBatchTokens: 64); // 19 pages
        _costs = new StageCosts(_forward);
        _planner = new StepPlanner(_costs);
    }

    public void Dispose()
    {
        _forward.Dispose();
        _file.Dispose();
    }

    [Fact]
    public void All_of_the_highest_priority_and_who_costs_little()
    {
        Measure(rows => rows <= 2 ? 100 : 200);
        Sequence focus = Begin(1, Priority.Focus), normal = Begin(1, Priority.Normal), background = Begin(1, Priority.Background);
        Assert.Equal([focus, normal], Plan()); // a third row would double the step
        Measure(_ => 100);
        Assert.Equal([focus, normal, background], Plan());
        Measure(rows => rows * 100);
        Assert.Equal([focus], Plan());
    }

    [Fact]
    public void Who_has_waited_long_is_served_as_well()
    {
        Measure(rows => rows * 100);
        Sequence focus = Begin(1, Priority.Focus), background = Begin(1, Priority.Background);
        Assert.Equal([focus], Plan());
        Assert.Equal([focus, background], Plan(later: System.Diagnostics.Stopwatch.Frequency));
    }

    [Fact]
    public void A_chunk_leaves_the_others_their_rhythm()
    {
        Measure(rows => rows);
        Sequence prompt = Begin(120, Priority.Normal);
        Plan();
        Assert.Equal(64, _members.Single().Tokens); // nobody else waits
        Sequence waiting = Begin(1, Priority.Normal);
        Assert.Equal([waiting, prompt], Plan());
        Assert.Equal(15, _members[1].Tokens); // the least there is
        Measure(rows => 20 + rows);
        Assert.Equal([waiting, prompt], Plan());
        Assert.Equal(63, _members[1].Tokens); // 21 ms become less than three times as many
    }

    [Fact]
    public void Within_frames_a_chunk_has_the_size_that_goes_fastest_and_stages_that_fit()
    {
        Measure(rows => rows <= 16 ? 20 : 6 * rows);
        Sequence prompt = Begin(120, Priority.Normal);
        Assert.Equal([prompt], Plan(granted: 1000));
        Assert.Equal(16, _members.Single().Tokens);
        Assert.Equal([prompt], Plan());
        Assert.Equal(64, _members.Single().Tokens); // without frames the largest: the weights are read less often
        Sequence waiting = Begin(1, Priority.Normal);
        Assert.Equal([waiting, prompt], Plan(granted: 1000));
        Assert.Equal(15, _members[1].Tokens); // with the other's row as many
        Measure(rows => rows * _forward.Stages.Count);
        Assert.Equal([waiting, prompt], Plan(granted: 8));
        Assert.Equal(3, _members[1].Tokens); // a stage of four rows takes half a grant
    }

    [Fact]
    public void A_size_never_measured_is_approached_from_below()
    {
        Begin(120, Priority.Normal);
        Plan();
        Assert.Equal(16, _members.Single().Tokens);
    }

    [Fact]
    public void Who_would_compute_the_same_waits_for_the_one_before()
    {
        Measure(_ => 100);
        Sequence first = Begin(100, Priority.Normal, seed: 7), second = Begin(100, Priority.Normal, seed: 7),
            other = Begin(20, Priority.Normal);
        Assert.Equal([first], Plan());
        first.Kv.Advance(first.Tokens[..64]);
        Assert.Equal([first, other], Plan());
        first.Kv.Advance(first.Tokens[64..]);
        first.End();
        _active.Remove(first);
        Assert.Equal([second, other], Plan());
        Assert.Equal(4, _members[0].Tokens); // 96 of 100 are in whole pages
    }

    [Fact]
    public void Who_comes_first_takes_pages_of_the_idle_and_then_of_who_comes_last()
    {
        Measure(_ => 100);
        Sequence idle = Begin(100, Priority.Normal, seed: 1), late = Begin(100, Priority.Background, seed: 2);
        Run();
        Run();
        idle.End();
        _active.Remove(idle);
        Sequence[] first = [.. Enumerable.Range(3, 3).Select(seed => Begin(100, Priority.Normal, seed))];
        for (int i = 0; i < 6; i++) Run();
        Assert.All(first, s => Assert.InRange(s.Kv.Length, 99, 100));
        Assert.Equal(0, idle.Kv.Length); // 20 pages are wanted of 19
        Assert.InRange(late.Kv.Length, 99, 100);
        Sequence next = Begin(100, Priority.Normal, seed: 6);
        for (int i = 0; i < 3; i++) Run();
        Assert.All(first.Append(next), s => Assert.InRange(s.Kv.Length, 99, 100));
        Assert.DoesNotContain(late, Plan());
        Assert.Equal(96, late.Kv.Length); // found again in the three pages that are left
    }

    /// <summary>Its step may have to be computed from the beginning.</summary>
    [Fact]
    public void Who_runs_alone_takes_pages_of_those_before()
    {
        Measure(_ => 100);
        Sequence[] others = [.. Enumerable.Range(1, 4).Select(seed => Begin(120, Priority.Normal, seed))]; // 16 of 19 pages
        for (int i = 0; i < 10; i++) Run();
        Sequence alone = Begin(120, Priority.Background, seed: 5);
        alone.RunsAlone = true;
        Assert.Equal([alone], Plan());
        Assert.Contains(others, other => other.Kv.Length == 0);
    }

    /// <summary>Lets a step of so many rows, all wanted, cost so much, evenly over its stages.</summary>
    private void Measure(Func<int, double> stepMilliseconds)
    {
        for (int round = 0; round < 50; round++)
            for (int rows = 1; rows <= 64; rows *= 2)
                for (int stage = 0; stage < _forward.Stages.Count; stage++)
                    _costs.Learn(stage, 1, rows, rows, stepMilliseconds(rows) / _forward.Stages.Count);
    }

    private Sequence Begin(int tokens, Priority priority, int? seed = null)
    {
        var sequence = new Sequence(_forward) { Priority = priority };
        sequence.SetText(TestDevices.RandomTokens(tokens, _forward.Config.VocabSize, seed ?? 100 + _active.Count));
        sequence.Begin(null, isPrompt: true, now: 1);
        sequence.Turn = _active.Count;
        _active.Add(sequence);
        return sequence;
    }

    /// <summary>Plans a step and takes its tokens for computed.</summary>
    private void Run()
    {
        Plan();
        _batch.Commit();
    }

    private IEnumerable<Sequence> Plan(long later = 0, double granted = double.PositiveInfinity)
    {
        _batch.Clear();
        _members.Clear();
        Assert.Null(_planner.Plan(_active, _batch, _members, 1 + later, granted));
        return _members.Select(member => member.Sequence);
    }
}
