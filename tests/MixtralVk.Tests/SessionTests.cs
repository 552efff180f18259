using MixtralVk.Model;

namespace MixtralVk.Tests;

/// <summary>Sessions of the shipped model on the CPU.</summary>
[Collection(nameof(LoadedModel))]
public sealed class SessionTests(LoadedModel loaded) : IDisposable
{
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0, MaxTokens = 24 };
    // Hardly ever ends by itself.
    private static readonly GenerationOptions s_wild = new() { Temperature = 5, TopK = 0, TopP = 1, MinP = 0, Seed = 4 };

    private readonly MixtralModel _model = loaded.Model;
    private readonly int _freePages = loaded.Model.ForwardPass.Pages.FreeCount;

    public void Dispose() => Assert.Equal(_freePages, _model.ForwardPass.Pages.FreeCount); // no test may leak a page

    [Fact]
    public void TokensAndTextAgree()
    {
        using Session session = Begin("[INST] You are Mira, a baker from Oakvale.\nWho are you? [/INST]");
        int prompt = session.Tokens.Length;
        Generation generation = session.Generate(s_greedy);
        GeneratedToken[] tokens = [.. generation];
        Assert.Equal(FinishReason.EndOfText, generation.FinishReason);
        Assert.Equal(_model.Tokenizer.Eos, tokens[^1].Id);
        Assert.Equal(tokens.Select(token => token.Id), session.Tokens[prompt..].ToArray());
        Assert.Equal(_model.Tokenizer.Decode([.. tokens.Select(t => t.Id)], trimLeadingSpace: false),
            string.Concat(tokens.Select(t => t.Text)));
        Assert.Contains("Mira", string.Concat(tokens.Select(t => t.Text)), StringComparison.Ordinal);
        Assert.Equal((prompt, tokens.Length), (generation.Timings.PromptTokens, generation.Timings.GeneratedTokens));
        Assert.True(generation.Timings.PromptTokensPerSecond > 0 && generation.Timings.GeneratedTokensPerSecond > 0);
    }

    [Fact]
    public void ACommonBeginningIsKeptAndChangesNothing()
    {
        int[] first = _model.Tokenizer.Encode("[INST] You are Mira, a baker from Oakvale.\nWhat do you sell? [/INST]");
        int[] second = _model.Tokenizer.Encode("[INST] You are Mira, a baker from Oakvale.\nWhere do you live? [/INST]");
        int common = first.AsSpan().CommonPrefixLength(second);
        Assert.InRange(common, 10, first.Length - 4);
        using Session reusing = _model.StartSession(), fresh = _model.StartSession();
        reusing.Prefill(first);
        _ = Ids(reusing.Generate(s_greedy));
        reusing.Prefill(second);
        fresh.Prefill(second);
        Generation generation = reusing.Generate(s_greedy);
        Assert.Equal(Ids(fresh.Generate(s_greedy)), Ids(generation));
        Assert.Equal((common, second.Length - common), (generation.Timings.ReusedTokens, generation.Timings.PromptTokens));
    }

    [Fact]
    public void PrefillingTheSameTextAgainComputesNothingOrOneToken()
    {
        using Session session = Begin("[INST] Hello [/INST]");
        int[] prompt = session.Tokens.ToArray();
        session.Prefill(prompt);
        Assert.Equal(0, session.PrefillTimings.PromptTokens);
        int[] first = Ids(session.Generate(s_greedy));
        session.Prefill(prompt);
        Assert.Equal(1, session.PrefillTimings.PromptTokens);
        Assert.Equal(first, Ids(session.Generate(s_greedy)));
    }

    [Fact]
    public void InterruptedGenerationGoesOnAsIfItHadNot()
    {
        using Session whole = Begin("[INST] Tell me about yourself. [/INST]"), parts = Begin("[INST] Tell me about yourself. [/INST]");
        int[] expected = Ids(whole.Generate(s_greedy with { MaxTokens = 9 }));
        Generation first = parts.Generate(s_greedy with { MaxTokens = 4 });
        int[] begin = Ids(first);
        Assert.Equal(FinishReason.MaxTokens, first.FinishReason);
        Assert.Equal(expected, begin.Concat(Ids(parts.Generate(s_greedy with { MaxTokens = 5 }))));
    }

    [Fact]
    public void SessionsDoNotDisturbEachOther()
    {
        using Session alone = Begin("[INST] Hello [/INST]");
        int[] expected = Ids(alone.Generate(s_greedy));
        using Session a = Begin("[INST] Hello [/INST]"), b = Begin("[INST] Where is the mill? [/INST]");
        using IEnumerator<GeneratedToken> first = a.Generate(s_greedy).GetEnumerator(), second = b.Generate(s_greedy).GetEnumerator();
        var ids = new List<int>();
        while (first.MoveNext())
        {
            ids.Add(first.Current.Id);
            second.MoveNext();
        }
        Assert.Equal(expected, ids);
    }

    [Fact]
    public void SameSeedGivesTheSameText()
    {
        using Session session = Begin("[INST] Tell me a story. [/INST]");
        int[] prompt = session.Tokens.ToArray();
        GenerationOptions drawn = s_greedy with { Temperature = 1.5f };
        Generation first = session.Generate(drawn);
        int[] ids = Ids(first);
        session.Prefill(prompt);
        Assert.Equal(ids, Ids(session.Generate(drawn with { Seed = first.Seed })));
    }

    [Fact]
    public void CancelledPrefillLeavesAUsableSession()
    {
        using Session session = _model.StartSession();
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        int[] prompt = _model.Tokenizer.Encode("[INST] Hello [/INST]");
        Assert.Throws<OperationCanceledException>(() => session.Prefill(prompt, cancelled.Token));
        Assert.Equal(0, session.Tokens.Length);
        session.Prefill(prompt);
        using Session fresh = Begin("[INST] Hello [/INST]");
        Assert.Equal(Ids(fresh.Generate(s_greedy)), Ids(session.Generate(s_greedy)));
    }

    [Fact]
    public void CancelledGenerationEndsWithoutAnExceptionAndGoesOn()
    {
        using Session session = Begin("[INST] Tell me about yourself. [/INST]"), whole = Begin("[INST] Tell me about yourself. [/INST]");
        using var cancel = new CancellationTokenSource();
        var ids = new List<int>();
        Generation generation = session.Generate(s_greedy, cancel.Token);
        foreach (GeneratedToken token in generation)
        {
            ids.Add(token.Id);
            if (ids.Count == 3) cancel.Cancel();
        }
        Assert.Equal((3, FinishReason.Cancelled), (ids.Count, generation.FinishReason));
        Assert.Equal(Ids(whole.Generate(s_greedy)), ids.Concat(Ids(session.Generate(s_greedy with { MaxTokens = 21 }))));
    }

    [Fact]
    public async Task AsynchronousTokensAreTheSame()
    {
        using Session a = Begin("[INST] Hello [/INST]"), b = Begin("[INST] Hello [/INST]");
        var ids = new List<int>();
        await foreach (GeneratedToken token in a.Generate(s_greedy).StreamAsync()) ids.Add(token.Id);
        Assert.Equal(Ids(b.Generate(s_greedy)), ids);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        Generation none = b.Generate(s_greedy);
        await foreach (GeneratedToken token in none.StreamAsync(cancelled.Token)) Assert.Fail("cancelled");
        Assert.Equal(FinishReason.Cancelled, none.FinishReason);
    }

    [Fact]
    public void StopStringsEndTheTextBeforeThem()
    {
        using Session session = Begin("[INST] You are Mira, a baker from Oakvale.\nWho are you? [/INST]");
        int[] prompt = session.Tokens.ToArray();
        string whole = string.Concat(session.Generate(s_greedy).Select(token => token.Text));
        string stop = whole.Substring(whole.Length / 2, 3);
        session.Prefill(prompt);
        Generation stopped = session.Generate(s_greedy with { StopStrings = [stop] });
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], string.Concat(stopped.Select(token => token.Text)));
        Assert.Equal(FinishReason.StopString, stopped.FinishReason);
    }

    [Fact]
    public void AFullContextEndsTheText()
    {
        using Session session = _model.StartSession();
        int[] prompt = [.. Enumerable.Repeat(300, _model.ContextLength - 3)];
        session.Prefill(prompt);
        // Three more tokens are computed; the one sampled from the last of them has no room.
        Generation generation = session.Generate(s_wild);
        Assert.Equal(4, generation.Count());
        Assert.Equal(FinishReason.ContextFull, generation.FinishReason);
        var error = Assert.Throws<ContextOverflowException>(() => session.Prefill(new int[_model.ContextLength + 1]));
        Assert.Equal(_model.ContextLength, error.Available);
        session.Prefill(prompt.AsSpan(0, 5));
        Assert.Equal(5, session.Tokens.Length);
    }

    [Fact]
    public void ATokenOutsideTheVocabularyIsRefused()
    {
        using Session session = _model.StartSession();
        Assert.Throws<TokenRangeException>(() => session.Prefill([1, _model.Config.VocabSize]));
        Assert.Throws<TokenRangeException>(() => session.Prefill([1, -5]));
        session.Prefill([1, 300]);
        Assert.Single(session.Generate(s_greedy with { MaxTokens = 1 }));
    }

    [Fact]
    public void MisuseIsAnError()
    {
        Session session = _model.StartSession();
        Assert.Throws<InvalidOperationException>(() => session.Generate());
        session.Prefill([1, 300]);
        Generation generation = session.Generate(s_greedy);
        using (IEnumerator<GeneratedToken> running = generation.GetEnumerator())
        {
            Assert.True(running.MoveNext());
            Assert.Throws<InvalidOperationException>(generation.GetEnumerator);
            session.Prefill([1, 300, 301]);
            Assert.Throws<InvalidOperationException>(() => running.MoveNext());
        }
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Prefill([1]));
        Assert.Throws<ObjectDisposedException>(() => session.Generate());
    }

    [Fact]
    public void GeneratingAllocatesNothingPerToken()
    {
        using Session session = Begin("[INST] You are Mira, a cheerful baker from Oakvale.\n\nWho are you? [/INST]");
        int[] prompt = session.Tokens.ToArray();
        // Code that is not optimised yet may box: the steady state is what counts.
        long allocated = long.MaxValue;
        for (int round = 0; round < 100 && allocated > 0; round++, Thread.Sleep(10))
        {
            session.Prefill(prompt);
            using IEnumerator<GeneratedToken> tokens = session.Generate(s_greedy).GetEnumerator();
            for (int i = 0; i < 4; i++) Assert.True(tokens.MoveNext());
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 6; i++) Assert.True(tokens.MoveNext());
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, allocated);
    }

    private Session Begin(string text)
    {
        Session session = _model.StartSession();
        session.Prefill(_model.Tokenizer.Encode(text));
        return session;
    }

    private static int[] Ids(Generation generation) => [.. generation.Select(token => token.Id)];
}
