using System.Diagnostics;
using MixtralVk.Bench;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>
/// Many characters on one model. Each has the same lore and a persona of its own, and speaks twice, in an order that is the same each time:
/// a question, and the first tokens of an answer.
/// </summary>
internal sealed class CrowdBench(Func<int, MixtralModel> load, int characters, int loreTokens)
{
    private const int PersonaTokens = 32, QuestionTokens = 12, AnswerTokens = 8, Rounds = 2, OtherPersonas = 10_000, OtherLores = 20_000;

    /// <summary>Tokens of a character's text at the end.</summary>
    public static int TextTokens(int loreTokens) => loreTokens + PersonaTokens + Rounds * (QuestionTokens + AnswerTokens);

    /// <summary>Beginnings computed with the lore in common and apart.</summary>
    public (CrowdPrefill Shared, CrowdPrefill Apart) Prefill(CancellationToken cancellation)
    {
        using MixtralModel model = load(characters * PagesEach * KvPages.PageTokens);
        Session[] warm = Begin(model, i => Tokens(model, OtherLores + i, 0), cancellation); // compiles shaders
        foreach (Session session in warm) session.Dispose();
        return (Prefill(model, isShared: true, cancellation), Prefill(model, isShared: false, cancellation));
    }

    /// <summary>
    /// Time from a question to the first token of its answer, with room for so much of what all characters hold, with nothing shared; and
    /// the tokens of all answers in the order in which they come.
    /// </summary>
    public (CrowdWait Wait, IReadOnlyList<int> Answers) Speak(double room, CancellationToken cancellation)
    {
        using MixtralModel model = load((int)(characters * PagesEach * room) * KvPages.PageTokens);
        Session[] sessions = Begin(model, i => Tokens(model, i, i), cancellation);
        int[] order = [.. Enumerable.Range(0, Rounds * characters).Select(turn => turn % characters)];
        new Random(1).Shuffle(order);
        var answers = new List<int>();
        double[] waits = [.. order.Select(i => Turn(sessions[i], answers, cancellation)).Order()];
        foreach (Session session in sessions) session.Dispose();
        return (new CrowdWait(model.Memory.KvCacheBytes, Spread.Of(waits), waits[(int)Math.Ceiling(0.95 * waits.Length) - 1]), answers);
    }

    private int PagesEach => KvPages.PagesFor(TextTokens(loreTokens));

    private CrowdPrefill Prefill(MixtralModel model, bool isShared, CancellationToken cancellation)
    {
        double cpu = ProcessMeter.CpuSeconds;
        long start = Stopwatch.GetTimestamp();
        Session[] sessions = Begin(model, i => Tokens(model, isShared ? 0 : 1 + i, i), cancellation);
        var (seconds, cpuSeconds) = (Stopwatch.GetElapsedTime(start).TotalSeconds, ProcessMeter.CpuSeconds - cpu);
        int pages = model.ForwardPass.Pages.PageCount - model.ForwardPass.Pages.FreeCount;
        int computed = sessions.Sum(session => session.PrefillTimings.PromptTokens);
        foreach (Session session in sessions) session.Dispose();
        return new CrowdPrefill(seconds, cpuSeconds, computed, pages * KvPages.PageTokens * model.ForwardPass.KvTokenBytes);
    }

    private Session[] Begin(MixtralModel model, Func<int, int[]> tokens, CancellationToken cancellation) =>
        [.. Enumerable.Range(0, characters).Select(i =>
        {
            Session session = model.StartSession();
            session.Prefill(tokens(i), cancellation);
            return session;
        })];

    private static double Turn(Session session, List<int> answers, CancellationToken cancellation)
    {
        int[] asked = [.. session.Tokens, .. Enumerable.Repeat(session.Tokens[^1], QuestionTokens)];
        long start = Stopwatch.GetTimestamp();
        session.Prefill(asked, cancellation);
        double wait = 0;
        foreach (GeneratedToken token in session.Generate(
            new GenerationOptions { Temperature = 0, MaxTokens = AnswerTokens }, cancellation))
        {
            if (wait == 0) wait = Stopwatch.GetElapsedTime(start).TotalSeconds;
            answers.Add(token.Id);
        }
        return wait;
    }

    private int[] Tokens(MixtralModel model, int lore, int persona) =>
        [.. Random(model, lore, loreTokens), .. Random(model, OtherPersonas + persona, PersonaTokens)];

    private static IEnumerable<int> Random(MixtralModel model, int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) yield return random.Next(3, model.Config.VocabSize);
    }
}

/// <summary>
/// What it took to compute the characters' beginnings, how many of their tokens were computed, and the keys and values of all of them.
/// </summary>
internal sealed record CrowdPrefill(double Seconds, double CpuSeconds, int ComputedTokens, long KvBytes);

/// <summary>Waiting for first tokens with a KV cache of a size.</summary>
internal sealed record CrowdWait(long CacheBytes, Spread Seconds, double P95Seconds);
