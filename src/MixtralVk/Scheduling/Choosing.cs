using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace MixtralVk.Scheduling;

/// <summary>What comes of a step: tokens, at once and on the same thread.</summary>
internal sealed partial class Scheduler
{
    /// <summary>After a step: every row of logits becomes a token of its text, or is kept for later where no text is wanted yet.</summary>
    private void Choose()
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < _members.Count; i++)
        {
            Member member = _members[i];
            bool hasRoom;
            lock (Gate)
            {
                if (!Settle(member, i)) continue;
                hasRoom = member.Sequence.Tokens.Length < _forward.ContextLength;
            }
            try
            {
                ReadOnlySpan<float> logits = member.Tokens == 0 ? member.Sequence.Logits : _forward.Logits(member.OutputRow);
                ChosenToken chosen = member.Draft!.Choose(logits, hasRoom);
                lock (Gate) HandOut(member, chosen);
            }
            catch (Exception problem) // the reader gets it
            {
                lock (Gate)
                    if (member.Sequence.Draft == member.Draft) Fail(member.Sequence, ExceptionDispatchInfo.Capture(problem));
            }
        }
        SpendChoosing(start);
    }

    /// <summary>Takes note of a step in a sequence; true when it is to choose a token now.</summary>
    private bool Settle(in Member member, int index)
    {
        Sequence sequence = member.Sequence;
        if (member.Tokens == 0) return sequence.Draft == member.Draft;
        if (_batch.HasLeft(index)) return false;
        sequence.Note(member.Tokens);
        if (member.OutputRow < 0)
        {
            sequence.WaitingSince = 0;
            return false;
        }
        sequence.EndPrefill(Stopwatch.GetTimestamp());
        if (member.Draft is not null) return true;
        sequence.Keep(_forward.Logits(member.OutputRow));
        Withdraw(sequence);
        sequence.News.Raise();
        return false;
    }

    private void HandOut(in Member member, in ChosenToken chosen)
    {
        (Sequence sequence, Draft draft) = (member.Sequence, member.Draft!);
        if (sequence.Draft != draft) return; // its reader has left meanwhile
        draft.Elapsed += Stopwatch.GetTimestamp() - sequence.WaitingSince;
        sequence.WaitingSince = 0;
        sequence.Append(chosen.Token.Id);
        if (chosen.Reason is not null) Withdraw(sequence);
        draft.Chosen.Write(chosen with { Elapsed = draft.Elapsed });
        sequence.News.Raise();
    }
}
