using MixtralVk.Model;
using MixtralVk.Testing;

namespace MixtralVk.Tests;

/// <summary>Things used before there is a text, after something else has begun, or after the model is gone: told, never a crash.</summary>
[Collection(nameof(LoadedModel))]
public sealed class LifetimeTests(LoadedModel loaded)
{
    private static readonly MixtralOptions s_cpu = new() { Device = DeviceKind.Cpu, CpuThreads = 1, ContextLength = 128 };
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0, MaxTokens = 6 };

    private readonly MixtralModel _model = loaded.Model;

    /// <summary>It was made while there was one. An empty text on the model's thread ended the process.</summary>
    [Fact]
    public void A_generation_that_begins_after_its_text_is_gone_is_refused()
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        using Session session = model.StartSession();
        session.Prefill([1, 300]);
        Generation late = session.Generate(s_greedy);
        session.Prefill([]);
        Assert.Throws<InvalidOperationException>(() => late.TryRead(out _));

        model.Pause();
        session.Generate([1, 300, 301], s_greedy).Start();
        late = session.Generate(s_greedy); // of a prompt of which nothing is computed
        Assert.Throws<InvalidOperationException>(() => late.TryRead(out _));
        model.Resume();
        session.Prefill([1, 300]);
        Assert.Equal(6, session.Generate(s_greedy).Count());
    }

    [Fact]
    public void Of_two_generations_of_a_session_the_later_one_ends_the_other()
    {
        using Session session = _model.StartSession();
        session.Prefill([1, 300]);
        Generation first = session.Generate(s_greedy), second = session.Generate(s_greedy);
        Assert.True(SpinWait.SpinUntil(() => first.TryRead(out _), 10_000));
        second.Start();
        Assert.Throws<InvalidOperationException>(() => first.TryRead(out _));
        Assert.Equal(6, second.Count());
        Assert.Equal(2 + 1 + 6, session.Tokens.Length);
    }

    [Fact]
    public void After_the_model_nothing_begins()
    {
        MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        using Session session = model.StartSession();
        using Chat chat = model.StartChat("You are Mira.");
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.StartSession());
        Assert.Throws<ObjectDisposedException>(() => model.StartChat());
        Assert.Throws<ObjectDisposedException>(() => { _ = model.EmbedAsync(new[] { 1 }); });
        Assert.Throws<ObjectDisposedException>(() => session.Fork());
        Assert.Throws<ObjectDisposedException>(() => session.Prefill([1, 300]));
        Assert.Throws<ObjectDisposedException>(() => chat.Ask("Who are you?").ToList());
        model.Tick(new FrameBudget(1, 1));
        model.Dispose();
    }

    /// <summary>Its end leaves so little room that the question is forgotten, and what is kept would be computed.</summary>
    [Fact]
    public void An_answer_may_be_stopped_after_the_model()
    {
        MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        using Chat chat = model.StartChat("You are Mira.", s_greedy with { MaxTokens = 32, MinTokens = 32 });
        Reply reply = chat.Ask(model.Tokenizer.Decode(Enumerable.Repeat(model.Tokenizer.Encode("mill")[^1], 76).ToArray()));
        Assert.True(SpinWait.SpinUntil(() => reply.TryRead(out _), 10_000));
        Assert.Equal(0, chat.ForgottenTurns);
        model.Dispose();
        reply.Stop();
        Assert.Equal(1, chat.ForgottenTurns);
    }

    [Fact]
    public void An_answer_that_did_not_fit_may_begin_when_there_is_room()
    {
        using Chat chat = _model.StartChat(string.Concat(Enumerable.Repeat("You know the old mill. ", 150)), s_greedy);
        Reply reply = chat.Ask("Who are you?");
        Assert.Throws<ContextOverflowException>(reply.Start);
        chat.Persona = "You are Mira.";
        reply.Start();
        Assert.False(reply.IsFinished);
        Assert.NotEmpty(string.Concat(reply));
    }

    [Fact]
    public async Task However_an_answer_is_read_what_keeps_it_from_beginning_is_its_problem()
    {
        using Chat chat = _model.StartChat("You are Mira.", s_greedy);
        string question = string.Concat(Enumerable.Repeat("Where is the old mill? ", 150));
        Reply streamed = chat.Ask(question), read = chat.Ask(question);
        await Assert.ThrowsAsync<ContextOverflowException>(async () => { await foreach (string _ in streamed.StreamAsync()) { } });
        Assert.Throws<ContextOverflowException>(() => read.TryRead(out _));
        Assert.All((Reply[])[streamed, read], reply =>
        {
            Assert.True(reply.IsFinished);
            Assert.IsType<ContextOverflowException>(reply.Problem);
        });
    }

    [Fact]
    public void A_generation_that_fails_has_ended()
    {
        using Session session = _model.StartSession();
        session.Prefill([1, 300]);
        Generation generation = session.Generate(s_greedy with { Adjust = (_, _) => throw new InvalidDataException("adjusted") });
        Assert.Throws<InvalidDataException>(() => SpinWait.SpinUntil(() => generation.TryRead(out _), 10_000));
        Assert.True(generation.IsFinished);
        Assert.False(generation.TryRead(out _));
    }

    /// <summary>Nothing more comes of it, and who awaits it is not left waiting.</summary>
    [Theory]
    [InlineData("stopped")]
    [InlineData("next question")]
    [InlineData("chat disposed of")]
    public async Task An_answer_that_is_awaited_ends_when_it_is(string how)
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        using Chat chat = model.StartChat("You are Mira.", s_greedy);
        model.Pause();
        Reply reply = chat.Ask("Who are you?"), next = chat.Ask("Where is the mill?");
        reply.Start();
        await using IAsyncEnumerator<string> pieces = reply.StreamAsync().GetAsyncEnumerator();
        Task<bool> piece = pieces.MoveNextAsync().AsTask();
        await Task.Delay(50); // so that it is awaited
        if (how == "stopped") reply.Stop();
        else if (how == "next question") next.Start();
        else chat.Dispose();
        Assert.False(await piece.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(FinishReason.Cancelled, reply.FinishReason);
        model.Resume();
        if (how != "chat disposed of") Assert.NotEmpty(string.Concat(next));
    }

    [Fact]
    public async Task A_generation_that_is_awaited_ends_when_its_session_goes_on_to_something_else()
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        using Session session = model.StartSession();
        model.Pause();
        Generation first = session.Generate([1, 300], s_greedy), second = session.Generate([1, 300], s_greedy);
        first.Start();
        await using IAsyncEnumerator<GeneratedToken> tokens = first.StreamAsync().GetAsyncEnumerator(),
            others = second.StreamAsync().GetAsyncEnumerator();
        Task<bool> token = tokens.MoveNextAsync().AsTask();
        await Task.Delay(50); // so that it is awaited
        Task<bool> other = others.MoveNextAsync().AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => token.WaitAsync(TimeSpan.FromSeconds(10)));
        model.Resume();
        Assert.True(await other);
    }

    /// <summary>The thread would wait for its own end.</summary>
    [Fact]
    public void Disposing_the_model_on_its_own_thread_is_refused()
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        using Session session = model.StartSession();
        Generation generation = session.Generate([1, 300], s_greedy with { Adjust = (_, _) => model.Dispose() });
        Assert.Throws<InvalidOperationException>(() => generation.Count());
        Assert.Equal(6, session.Generate([1, 300], s_greedy).Count());
    }

    /// <summary>Keys and values of a text that is embedded are nobody's to take, but are gone soon.</summary>
    [Fact]
    public async Task Who_wants_pages_that_an_embedding_has_waits_for_them()
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu with { ChunkTokens = 8 }); // of one context
        int[] text = TestDevices.RandomTokens(100, model.Config.VocabSize);
        using Session session = model.StartSession();
        for (int round = 0; round < 20; round++)
        {
            Task<float[]> vector = model.EmbedAsync(text);
            session.Prefill([.. text.Reverse().Skip(round)]);
            await vector;
        }
    }

    [Fact]
    public async Task An_embedding_is_given_up_at_once_also_where_nothing_is_computed()
    {
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, s_cpu);
        model.Pause();
        using var cancel = new CancellationTokenSource();
        Task<float[]> first = model.EmbedAsync(new[] { 1, 2, 3 }), second = model.EmbedAsync(new[] { 1, 2, 3 }, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second.WaitAsync(TimeSpan.FromSeconds(10)));
        model.Resume();
        Assert.NotEmpty(await first);
    }
}
