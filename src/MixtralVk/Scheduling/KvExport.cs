using MixtralVk.Model;
using MixtralVk.SaveGames;

namespace MixtralVk.Scheduling;

/// <summary>Reads what the cache holds of the beginning of a text, whole pages of at most so many bytes together, for a save.</summary>
internal sealed class KvExport(ForwardPass forward, ReadOnlyMemory<int> tokens, long mostBytes) : IErrand
{
    private readonly TaskCompletionSource<SavedKeys> _keys = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ReadOnlyMemory<byte>> _pages = [];
    private readonly int _pageBytes = (int)forward.KvFormat.PageBytes(forward.Config);
    private KvSequence? _kv;
    private KvOrigin? _origin;

    /// <summary>The keys and values, of as many tokens as were in the cache.</summary>
    public Task<SavedKeys> Keys => _keys.Task;

    public bool Advance(Scheduler worker)
    {
        _origin ??= forward.Origin;
        int[] pages = Hold(worker.Gate);
        int count = worker.TryMovePages(null) ? worker.AwaitPages(pages.Length) : 0;
        if (count > 0)
        {
            byte[] bytes = new byte[count * _pageBytes];
            forward.ReadPages(pages.AsSpan(0, count), bytes);
            worker.SpendPages(count);
            for (int i = 0; i < count; i++) _pages.Add(bytes.AsMemory(i * _pageBytes, _pageBytes));
        }
        lock (worker.Gate) _kv!.EndStep();
        if (pages.Length > 0) return true;
        End(worker.Gate);
        return false;
    }

    public void Restart(Lock gate) => Release(gate); // the rest is not in the cache any more: the next piece is the last

    public void Fail(Lock gate, Exception problem)
    {
        Release(gate);
        _keys.TrySetException(problem);
    }

    /// <summary>The next pages, which nobody else gets during this piece; none at the end.</summary>
    private int[] Hold(Lock gate)
    {
        lock (gate)
        {
            _kv ??= new KvSequence(forward.Pages, shares: true);
            _kv.Adopt(tokens.Span);
            _kv.BeginStep();
            forward.TakePageMoves();
            int first = _pages.Count, end = (int)Math.Min(_kv.Pages.Length, mostBytes / _pageBytes);
            return first < end && forward.Origin == _origin ? [.. _kv.Pages[first..end]] : [];
        }
    }

    private void End(Lock gate)
    {
        Release(gate);
        _keys.SetResult(new SavedKeys(_origin!, tokens[..(_pages.Count * KvPages.PageTokens)].ToArray(), _pages));
    }

    private void Release(Lock gate)
    {
        lock (gate)
        {
            _kv?.EndStep();
            _kv?.Dispose();
        }
        _kv = null;
    }
}
