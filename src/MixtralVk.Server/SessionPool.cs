using System.Diagnostics;
using System.Threading.RateLimiting;

namespace MixtralVk.Server;

/// <summary>
/// The sessions that answer requests: as many as there are seats, each with room for one full context. A request that finds all of them in
/// use waits in line. Idle sessions keep what they have computed, and the request that goes on with a conversation gets its session back.
/// </summary>
internal sealed class SessionPool : IDisposable
{
    /// <summary>What a request has to end in whose connection was cut: its answer ends with the slice in progress.</summary>
    private static readonly TimeSpan TimeToUnwind = TimeSpan.FromSeconds(2);

    private readonly ConcurrencyLimiter _seats;
    private readonly int _seatCount;
    private readonly Lock _gate = new();
    private readonly List<SessionLease> _idle; // the one used longest ago first
    private readonly List<SessionLease> _used = [];
    private double _meanSeconds = 1;

    public SessionPool(MixtralModel model, int seats, int queueLimit)
    {
        (Model, _seatCount) = (model, seats);
        _seats = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = seats, QueueLimit = queueLimit,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
        _idle = [.. Enumerable.Range(0, seats).Select(_ => new SessionLease(this, model.StartSession()))];
    }

    public MixtralModel Model { get; }

    /// <summary>Requests that have a seat.</summary>
    public int Active => _seatCount - (int)(_seats.GetStatistics()?.CurrentAvailablePermits ?? _seatCount);

    /// <summary>Requests that wait for a seat.</summary>
    public int Queued => (int)(_seats.GetStatistics()?.CurrentQueuedCount ?? 0);

    /// <summary>How long the request that has had a session longest has had it.</summary>
    public TimeSpan LongestUse
    {
        get { lock (_gate) return _used.Count > 0 ? Stopwatch.GetElapsedTime(_used.Min(lease => lease.Since)) : TimeSpan.Zero; }
    }

    /// <summary>Whole seconds after which a further request can expect a seat, by how long the latest ones had theirs.</summary>
    public int SecondsToWait
    {
        get { lock (_gate) return Math.Clamp((int)Math.Ceiling(_meanSeconds * (Queued + 1) / _seatCount), 1, 60); }
    }

    /// <summary>
    /// A session for a prompt, once there is one; null, at once, when the line is full. Among the idle ones the session is taken whose text
    /// is for the most part the prompt's beginning, or else the one used longest ago.
    /// </summary>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="conversation">The caller's name for the conversation, by which it can be forgotten; null for none.</param>
    /// <param name="seat">The caller's seat, which becomes the session's; null to wait for one.</param>
    /// <param name="cancellationToken">Leaves the line.</param>
    public async ValueTask<SessionLease?> RentAsync(int[] prompt, string? conversation, RateLimitLease? seat,
        CancellationToken cancellationToken)
    {
        seat ??= await TakeSeatAsync(cancellationToken).ConfigureAwait(false);
        if (seat is null) return null;
        lock (_gate)
        {
            int chosen = 0, longest = 0;
            for (int i = 0; i < _idle.Count; i++)
            {
                ReadOnlySpan<int> tokens = _idle[i].Session.Tokens;
                int common = tokens.CommonPrefixLength(prompt);
                if (common > longest && 2 * common >= tokens.Length) (chosen, longest) = (i, common);
            }
            SessionLease lease = _idle[chosen];
            _idle.RemoveAt(chosen);
            _used.Add(lease);
            (lease.Seat, lease.Conversation, lease.Since) = (seat, conversation, Stopwatch.GetTimestamp());
            return lease;
        }
    }

    /// <summary>A seat for work without a session, until it is disposed; null, at once, when the line is full.</summary>
    public async ValueTask<RateLimitLease?> TakeSeatAsync(CancellationToken cancellationToken)
    {
        RateLimitLease seat = await _seats.AcquireAsync(1, cancellationToken).ConfigureAwait(false);
        if (seat.IsAcquired) return seat;
        seat.Dispose();
        return null;
    }

    /// <summary>Erases what sessions hold of a conversation: at once, or when its answer has ended.</summary>
    public void Forget(string conversation)
    {
        lock (_gate)
        {
            foreach (SessionLease lease in _used.Where(lease => lease.Conversation == conversation)) lease.IsForgotten = true;
            for (int i = 0; i < _idle.Count; i++) if (_idle[i].Conversation == conversation) _idle[i] = Renewed(_idle[i]);
        }
    }

    /// <summary>
    /// Waits until no request has a seat. Once the host has no more patience, only as long as requests take to end whose connections were
    /// cut; what still runs then loses the model in <see cref="Dispose"/>.
    /// </summary>
    public async Task DrainAsync(CancellationToken impatience)
    {
        using var end = new CancellationTokenSource();
        using CancellationTokenRegistration registration = impatience.Register(() => end.CancelAfter(TimeToUnwind));
        while (Active > 0 && !end.IsCancellationRequested) await Task.Delay(20, CancellationToken.None).ConfigureAwait(false);
    }

    public void Dispose()
    {
        foreach (SessionLease lease in _idle) lease.Session.Dispose();
        _seats.Dispose();
        Model.Dispose();
    }

    private void Return(SessionLease lease)
    {
        RateLimitLease seat;
        lock (_gate)
        {
            seat = lease.Seat!; // once idle, the lease may be another request's, with a seat of its own
            _used.Remove(lease);
            _meanSeconds += (Stopwatch.GetElapsedTime(lease.Since).TotalSeconds - _meanSeconds) / 8;
            _idle.Add(lease.IsForgotten ? Renewed(lease) : lease);
        }
        seat.Dispose();
    }

    private SessionLease Renewed(SessionLease lease)
    {
        lease.Session.Dispose();
        return new SessionLease(this, Model.StartSession());
    }

    /// <summary>A session in use; disposed, it is idle again.</summary>
    internal sealed class SessionLease(SessionPool pool, Session session) : IDisposable
    {
        public Session Session { get; } = session;

        public RateLimitLease? Seat { get; set; }

        public string? Conversation { get; set; }

        public long Since { get; set; }

        public bool IsForgotten { get; set; }

        public void Dispose() => pool.Return(this);
    }
}
