using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using MixtralVk.Model;

namespace MixtralVk.Scheduling;

/// <summary>
/// A text as the worker sees it: ahead of what its reader has taken by the tokens in <see cref="Draft.Chosen"/>. Guarded by
/// <see cref="Scheduler.Gate"/>; while a step runs that it takes part in, only the worker uses <see cref="Kv"/>.
/// </summary>
internal sealed class Sequence(ForwardPass forward)
{
    private readonly List<int> _tokens = [];
    private readonly float[] _logits = new float[forward.Config.VocabSize];
    private long _begun;

    /// <summary>Keys and values of the first tokens; others may take them while it is not in a step.</summary>
    public KvSequence Kv { get; } = new(forward.Pages, shares: true);

    /// <summary>All tokens; those beyond <see cref="Kv"/> are to be computed.</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>Raised when there is something for the reader; each who begins has one of its own.</summary>
    public Signal News { get; private set; } = new();

    /// <summary>What comes first.</summary>
    public Priority Priority { get; set; } = Priority.Normal;

    /// <summary>True while the worker has something to do for it.</summary>
    public bool IsActive { get; private set; }

    /// <summary>Goes on with the text once the prompt is computed; null when only that is wanted.</summary>
    public Draft? Draft { get; private set; }

    /// <summary>False while a prompt is being computed.</summary>
    public bool IsPrefilled { get; private set; } = true;

    /// <summary>Time from the call that set the prompt until it was computed, in stopwatch ticks.</summary>
    public long PrefillTime { get; private set; }

    /// <summary>Since when it waits for a step, a stopwatch timestamp; 0 while it takes part in one or waits for its reader.</summary>
    public long WaitingSince { get; set; }

    /// <summary>
    /// It was in a step that gave a value that is not finite: who made it shows when each takes a step of its own, before all others.
    /// </summary>
    public bool RunsAlone { get; set; }

    /// <summary>What ended the worker's effort; taken by the reader.</summary>
    public ExceptionDispatchInfo? Failure { get; set; }

    /// <summary>The priority as it was when the present step was planned: readers may change it at any time.</summary>
    public Priority Planned { get; set; }

    /// <summary>Of those of one priority, whose turn is lower comes first.</summary>
    public long Turn { get; set; }

    /// <summary>Tokens to compute.</summary>
    public int Pending => _tokens.Count - Kv.Length;

    /// <summary>Most tokens of the text that have been computed: what is left of a prompt that is given up.</summary>
    public int Reached { get; private set; }

    /// <summary>Tokens that went through steps for the latest prompt.</summary>
    public int Computed { get; private set; }

    /// <summary>True when the worker can go on: the reader has taken enough.</summary>
    public bool IsReady => IsActive && Draft is not { Chosen.IsFull: true };

    /// <summary>True when the next token can be chosen without a step: <see cref="Logits"/> are those after the last token.</summary>
    public bool HasLogits { get; private set; }

    /// <summary>Logits after the last token, valid when <see cref="HasLogits"/>.</summary>
    public ReadOnlySpan<float> Logits => _logits;

    /// <summary>Makes the text these tokens, and keeps what is computed of a common beginning.</summary>
    public void SetText(ReadOnlySpan<int> tokens)
    {
        int common = Tokens.CommonPrefixLength(tokens);
        Cut(common);
        if (common < tokens.Length) HasLogits = false;
        _tokens.AddRange(tokens[common..]);
        Reached = Kv.Length;
        Computed = 0;
    }

    /// <summary>Forgets every token from <paramref name="length"/> on, and room that was reserved for more.</summary>
    public void Cut(int length)
    {
        if (length < _tokens.Count) HasLogits = false;
        CollectionsMarshal.SetCount(_tokens, length);
        Kv.Truncate(Math.Min(length, Kv.Length));
    }

    /// <summary>Takes over the first tokens of another text, and what is computed of them as far as it can be shared.</summary>
    public void CopyFrom(Sequence other, int length)
    {
        _tokens.AddRange(other.Tokens[..length]);
        Kv.Adopt(Tokens);
        if (other.HasLogits && length == other.Tokens.Length) Keep(other.Logits);
    }

    /// <summary>
    /// Has the worker compute the text and go on with <paramref name="draft"/>, if any; false when there is nothing to do.
    /// </summary>
    public bool Begin(Draft? draft, bool isPrompt, long now)
    {
        Draft = draft;
        News = new Signal();
        Failure = null;
        RunsAlone = false;
        _begun = WaitingSince = now;
        IsPrefilled = !isPrompt || HasLogits || _tokens.Count == 0;
        if (isPrompt) PrefillTime = 0;
        return IsActive = draft is not null || !IsPrefilled;
    }

    /// <summary>
    /// Before a step: takes what others have computed of the same beginning meanwhile, so that at least the last token is left.
    /// </summary>
    public void CatchUp()
    {
        if (Pending == 0) Kv.Truncate(Kv.Length - 1); // computed, but its logits are gone
        Kv.Adopt(Tokens[..^1]);
    }

    /// <summary>After a step that computed <paramref name="tokens"/> of it.</summary>
    public void Note(int tokens)
    {
        RunsAlone = false;
        if (IsPrefilled) return;
        Computed += tokens;
        Reached = Math.Max(Reached, Kv.Length);
    }

    /// <summary>The worker has nothing more to do for it.</summary>
    public void End()
    {
        IsActive = false;
        Draft = null;
        WaitingSince = 0;
        Kv.Rank = long.MaxValue;
    }

    /// <summary>The prompt is computed.</summary>
    public void EndPrefill(long now)
    {
        if (IsPrefilled) return;
        IsPrefilled = true;
        PrefillTime = now - _begun;
        WaitingSince = now;
    }

    /// <summary>Keeps the logits after the last token for whoever goes on with the text.</summary>
    public void Keep(ReadOnlySpan<float> logits)
    {
        logits.CopyTo(_logits);
        HasLogits = true;
    }

    /// <summary>Puts a chosen token at the end of the text.</summary>
    public void Append(int token)
    {
        _tokens.Add(token);
        HasLogits = false;
    }
}
