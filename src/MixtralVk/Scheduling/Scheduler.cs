using System.Diagnostics;
using System.Runtime.ExceptionServices;
using MixtralVk.Gpu;
using MixtralVk.Model;
using MixtralVk.Sampling;

namespace MixtralVk.Scheduling;

/// <summary>
/// Runs the steps of a model on a thread of its own: whoever waits for tokens shares them (<see cref="StepPlanner"/>). A step goes from
/// stage to stage in slices; between two of them sequences leave. When it is done, every text that it gave logits chooses its token at
/// once.
/// <para>
/// Threads: readers and worker share the <see cref="Sequence"/>s under <see cref="Gate"/>, which nobody holds while the device works or a
/// token is chosen. Tokens pass through <see cref="TokenRing"/>s without it. Pages of the KV cache change hands under the gate at any time,
/// but only the worker takes new ones and writes them, in steps, one after the other: a page that a reader frees in the middle of a step is
/// written by its next owner after that step.
/// </para>
/// </summary>
internal sealed partial class Scheduler : IDisposable
{
    /// <summary>
    /// Most that a slice is expected to take, so that it stays below 100: none is to worry a driver's watchdog, or to keep a cancellation
    /// waiting.
    /// </summary>
    public const double MostSliceMilliseconds = 70;

    private readonly ForwardPass _forward;
    private readonly StageCosts _costs;
    private readonly StepPlanner _planner;
    private readonly StageCutter _cutter;
    private readonly StepBatch _batch;
    private readonly List<Sequence> _active = [];
    private readonly List<Member> _members = [];
    private readonly Queue<IErrand> _errands = [];
    private readonly Signal _bell = new();
    private readonly Thread _worker;
    private readonly FrameGrant? _grant;    // null: computes whenever there is something to do
    private long _turns;
    private volatile bool _stop, _isPaused;

    /// <param name="forward">The model's layers.</param>
    /// <param name="pacing">When it computes.</param>
    /// <param name="placement">Of its thread.</param>
    /// <param name="recover">
    /// Has a forward pass whose device is gone work again; false: not yet, and it is called again at the next <see cref="Wake"/>. Null on
    /// the processor, which cannot be lost.
    /// </param>
    public Scheduler(ForwardPass forward, Pacing pacing, ThreadPlacement placement, Func<DeviceLostException?, bool>? recover)
    {
        _forward = forward;
        _recover = recover;
        _mostPages = (int)Math.Max(1, MostPageBytes / forward.KvFormat.PageBytes(forward.Config));
        _costs = new StageCosts(forward);
        _planner = new StepPlanner(_costs);
        _cutter = new StageCutter(forward, _costs);
        _batch = new StepBatch(forward.MaxBatchTokens, Gate);
        SamplingScratch = new SamplingScratch(forward.Config.VocabSize, forward.Config.VocabSize);
        if (pacing == Pacing.PerFrame)
        {
            _grant = new FrameGrant(onCpu: recover is null, TimeProvider.System);
            forward.UseDeviceClock();
            WarmUp();
        }
        _worker = new Thread(() =>
        {
            placement.Apply();
            Work();
        }) { IsBackground = true, Name = "MixtralVk" };
        _worker.Start();
    }

    /// <summary>Held, shortly, whenever a sequence or the pages of the KV cache are looked at or changed.</summary>
    public Lock Gate { get; } = new();

    /// <summary>For the drafts of all texts: only the worker chooses tokens.</summary>
    public SamplingScratch SamplingScratch { get; }

    /// <summary>What the device did.</summary>
    public SliceLog Slices { get; } = new();

    /// <summary>Nothing begins while set.</summary>
    public bool IsPaused
    {
        set
        {
            _isPaused = value;
            Wake();
        }
    }

    /// <summary>Nothing begins any more.</summary>
    public bool IsStopped => _stop;

    /// <summary>What may be done in this frame. Waits for nobody.</summary>
    public void Grant(FrameBudget budget)
    {
        if (_grant is null) return;
        _grant.Renew(budget);
        Wake();
    }

    /// <summary>An empty sequence.</summary>
    public Sequence CreateSequence()
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_stop, typeof(MixtralModel));
            return new Sequence(_forward);
        }
    }

    /// <summary>Under the gate: has a sequence that has begun computed from now on.</summary>
    public void Add(Sequence sequence)
    {
        ObjectDisposedException.ThrowIf(_stop, typeof(MixtralModel));
        sequence.Turn = ++_turns;
        _active.Add(sequence);
        Wake();
    }

    /// <summary>Under the gate: lets go of a sequence, also in the middle of a step; what the step computes for it is lost.</summary>
    public void Withdraw(Sequence sequence)
    {
        if (!_active.Remove(sequence)) return;
        sequence.End();
        _batch.Drop(sequence.Kv);
    }

    /// <summary>Has something done between the steps of the sequences, after what came before it.</summary>
    public void Add(IErrand errand)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_stop, typeof(MixtralModel));
            _errands.Enqueue(errand);
        }
        Wake();
    }

    /// <summary>A sequence is ready again: its reader has made room.</summary>
    public void Wake() => _bell.Raise();

    /// <summary>Stops after the slice in progress. What was not finished fails with <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        if (Thread.CurrentThread == _worker)
            throw new InvalidOperationException("The model cannot be disposed of on its own thread: have another one do it.");
        lock (Gate)
        {
            _stop = true;
            FailAll(new ObjectDisposedException(nameof(MixtralModel)));
        }
        Wake();
        _worker.Join();
        foreach (IErrand errand in _errands) errand.Fail(Gate, new ObjectDisposedException(nameof(MixtralModel)));
    }

    private void Work()
    {
        while (Await(0, null, out _))
        {
            int seen = _bell.Epoch;
            EndStep();
            if (!_isLost && !TryCut()) continue;
            bool hasErrand = !_isLost && TryAdvanceErrand(), runs;
            lock (Gate)
            {
                if (!_isLost) Plan();
                runs = !_isLost && _batch.Count > 0 && TryBegin(); // before anybody can leave: it reads the members' pages
            }
            if (_isLost)
            {
                if (!TryRecover()) _bell.Wait(seen);
                continue;
            }
            if (_members.Count == 0 && !hasErrand)
            {
                if (!TryRearrange(double.PositiveInfinity)) _bell.Wait(seen);
            }
            else if (_batch.Count == 0 || runs && TryRun())
            {
                Choose();
                Rearrange();
            }
        }
    }

    /// <summary>What took part in a step may lose its pages from now on, to errands as well.</summary>
    private void EndStep()
    {
        lock (Gate)
        {
            _batch.Clear();
            _members.Clear();
        }
    }

    /// <summary>The next piece of the first errand; false when there is none.</summary>
    private bool TryAdvanceErrand()
    {
        IErrand? errand;
        lock (Gate)
            if (!_errands.TryPeek(out errand)) return false;
        try
        {
            if (errand.Advance(this)) return true;
        }
        catch (Exception problem) // whoever waits for it gets it
        {
            if (IsLoss(problem))
            {
                Lose(problem);
                return true;
            }
            if (problem is OutOfGpuMemoryException && TryShed()) return true;
            errand.Fail(Gate, problem);
        }
        lock (Gate) _errands.Dequeue();
        return true;
    }

    /// <summary>Who has logits chooses a token first, so that it can take part in the step.</summary>
    private void Plan()
    {
        foreach (Sequence sequence in _active)
            if (sequence.HasLogits && sequence.IsReady) _members.Add(new Member(sequence, sequence.Draft, 0, -1));
        while (_members.Count == 0 && _planner.Plan(_active, _batch, _members, Stopwatch.GetTimestamp(), Granted) is { } tooLong)
        {
            if (_errands.Count > 0) return; // which have the pages, and give them back
            Fail(tooLong, ExceptionDispatchInfo.Capture(
                new ContextOverflowException(tooLong.Tokens.Length, _forward.Pages.FreeCount * KvPages.PageTokens)));
        }
    }

    private bool TryCut()
    {
        try
        {
            if (_grant is not null) _cutter.Cut(_grant.Granted);
            return true;
        }
        catch (OutOfGpuMemoryException) // stages stay as they are cut; a step that finds no memory tells its own texts
        {
            return true;
        }
        catch (Exception problem) // the readers get it
        {
            LoseOrFailAll(problem);
            return false;
        }
    }

    private bool TryBegin()
    {
        try
        {
            _forward.Begin(_batch);
            return true;
        }
        catch (Exception problem) // the readers get it
        {
            if (IsLoss(problem)) Lose(problem);
            else Fail(problem);
            return false;
        }
    }

    /// <summary>False when nobody wants the step's results: all have left, or it failed.</summary>
    private bool TryRun()
    {
        try
        {
            return Run(_batch);
        }
        catch (Exception problem) // the readers get it
        {
            if (IsLoss(problem)) Lose(problem);
            else Fail(problem);
            return false;
        }
    }
}
