using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Server;

/// <summary>The answers to one prompt, generated one after the other in one session, and what they took.</summary>
internal sealed class Answers(Session session, int[] prompt, GenerationOptions options, int count, ServerMetrics metrics)
{
    private readonly long _asked = Stopwatch.GetTimestamp();

    /// <summary>Tokens of the prompt that did not have to be computed.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Tokens generated so far.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>
    /// The pieces of all answers. Each answer ends with a piece that says why. Throws when cancelled, as what there is of an answer then is not one.
    /// </summary>
    public async IAsyncEnumerable<AnswerPiece> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long last = _asked;
        for (int index = 0; index < count; index++)
        {
            await Task.Run(() => session.Prefill(prompt, cancellationToken), cancellationToken).ConfigureAwait(false);
            // A seed gives each of several answers its own.
            Generation generation = session.Generate(options with { Seed = options.Seed + (ulong)index }, cancellationToken);
            if (index == 0) metrics.Prompt(prompt.Length, CachedTokens = generation.Timings.ReusedTokens);
            await foreach (GeneratedToken token in generation.StreamAsync(CancellationToken.None).ConfigureAwait(false))
            {
                long now = Stopwatch.GetTimestamp();
                if (GeneratedTokens++ == 0) metrics.FirstToken(Stopwatch.GetElapsedTime(_asked, now));
                else metrics.NextToken(Stopwatch.GetElapsedTime(last, now));
                last = now;
                if (token.Text.Length > 0) yield return new AnswerPiece(index, token.Text, null);
            }
            cancellationToken.ThrowIfCancellationRequested();
            yield return new AnswerPiece(index, "", generation.FinishReason);
        }
    }
}

/// <summary>A piece of one of several answers; the last one of an answer says why it ended.</summary>
internal readonly record struct AnswerPiece(int Choice, string Text, FinishReason? End);
