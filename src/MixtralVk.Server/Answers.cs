using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MixtralVk.Server;

/// <summary>The answers to one prompt, generated one after the other in one session, and what they took.</summary>
/// <param name="session">The session.</param>
/// <param name="prompt">The prompt's tokens.</param>
/// <param name="options">How each answer is generated.</param>
/// <param name="count">How many.</param>
/// <param name="asked">When it was asked, a timestamp.</param>
/// <param name="metrics">What is told of it.</param>
internal sealed class Answers(Session session, int[] prompt, GenerationOptions options, int count, long asked, ServerMetrics metrics)
{
    /// <summary>Tokens of the prompt that did not have to be computed.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Tokens generated so far.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>
    /// The pieces of all answers. Each answer ends with a piece that says why. Throws when cancelled, as what there is of an answer then is
    /// not one.
    /// </summary>
    public async IAsyncEnumerable<AnswerPiece> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long last = asked;
        TimeSpan first = default;
        for (int index = 0; index < count; index++)
        {
            await Task.Run(() => session.Prefill(prompt, cancellationToken), cancellationToken).ConfigureAwait(false);
            // A seed gives each of several answers its own.
            Generation generation = session.Generate(options with { Seed = options.Seed + (ulong)index }, cancellationToken);
            if (index == 0) metrics.Prompt(prompt.Length, CachedTokens = generation.Timings.ReusedTokens);
            await foreach (GeneratedToken token in generation.StreamAsync(CancellationToken.None).ConfigureAwait(false))
            {
                long now = Stopwatch.GetTimestamp();
                if (GeneratedTokens++ == 0) metrics.FirstToken(first = Stopwatch.GetElapsedTime(asked, now));
                else metrics.NextToken(Stopwatch.GetElapsedTime(last, now));
                last = now;
                yield return new AnswerPiece(index, token, null);
            }
            cancellationToken.ThrowIfCancellationRequested();
            if (index == 0 && GeneratedTokens > 1)
                metrics.Answered(first, (Stopwatch.GetElapsedTime(asked, last) - first) / (GeneratedTokens - 1));
            yield return new AnswerPiece(index, new GeneratedToken(-1, ""), generation.FinishReason);
        }
    }
}

/// <summary>A token of one of several answers; after the last one a piece without a token says why the answer ended.</summary>
internal readonly record struct AnswerPiece(int Choice, GeneratedToken Token, FinishReason? End);
