using MixtralVk.Model;
using MixtralVk.SaveGames;

namespace MixtralVk.Scheduling;

/// <summary>
/// Puts keys and values from a save into the cache, where texts with the same beginning find them; nothing where they are not what this
/// device would compute, or where there is no room.
/// </summary>
internal sealed class KvImport(ForwardPass forward, SavedKeys keys) : IErrand
{
    private KvSequence? _kv;
    private int _done; // pages

    public bool Advance(Scheduler worker)
    {
        int[] pages = Reserve(worker.Gate);
        int count = worker.TryMovePages(null) ? worker.AwaitPages(pages.Length) : 0;
        if (count > 0)
        {
            int pageBytes = keys.Pages[0].Length;
            byte[] bytes = new byte[count * pageBytes];
            for (int i = 0; i < count; i++) keys.Pages[_done + i].CopyTo(bytes.AsMemory(i * pageBytes));
            forward.WritePages(pages.AsSpan(0, count), bytes);
            worker.SpendPages(count);
        }
        lock (worker.Gate)
        {
            _kv!.Advance(keys.Tokens.AsSpan(_done * KvPages.PageTokens, count * KvPages.PageTokens));
            _kv.Truncate(_kv.Length); // what is reserved beyond
            _kv.EndStep();
        }
        _done += count;
        if (pages.Length > 0) return true;
        Release(worker.Gate);
        return false;
    }

    public void Restart(Lock gate) => Release(gate);

    public void Fail(Lock gate, Exception problem) => Release(gate); // the text is computed when it is needed

    private void Release(Lock gate)
    {
        lock (gate)
        {
            _kv?.EndStep();
            _kv?.Dispose();
        }
        (_kv, _done) = (null, 0);
    }

    /// <summary>Room for what is not there yet, which nobody else gets during this piece; none at the end.</summary>
    private int[] Reserve(Lock gate)
    {
        lock (gate)
        {
            _kv ??= new KvSequence(forward.Pages, shares: true);
            _kv.BeginStep();
            if (forward.Origin != keys.Origin) return [];
            int before = _kv.Length / KvPages.PageTokens;
            _kv.Adopt(keys.Tokens);
            bool wasTaken = before < _done; // others need the pages more
            _done = _kv.Length / KvPages.PageTokens;
            bool hasRoom = !wasTaken && _kv.TryReserve(keys.Tokens.Length, out _);
            forward.TakePageMoves();
            return hasRoom ? [.. _kv.Pages[_done..]] : [];
        }
    }
}
