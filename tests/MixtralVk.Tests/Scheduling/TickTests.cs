using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model.Vulkan;
using MixtralVk.Scheduling;

namespace MixtralVk.Tests.Scheduling;

/// <summary>A model that computes within what frames grant it.</summary>
[Collection(VulkanCollection.Name)]
public sealed class TickTests
{
    private static readonly GenerationOptions s_drawn = new() { Temperature = 1.5f, Seed = 5, MaxTokens = 24 };

    private static readonly string[] s_names = ["Mira", "Hugo", "Iska", "Pierre"];

    public static TheoryData<DeviceKind> Devices => [DeviceKind.Cpu, DeviceKind.Vulkan];

    [Theory]
    [InlineData(DeviceKind.Cpu, null)]
    [InlineData(DeviceKind.Vulkan, null)]
    [InlineData(DeviceKind.Vulkan, 25)] // the processor computes the other experts
    public void Any_budget_gives_the_same_text_in_the_ticking_thread(DeviceKind device, int? expertPercent)
    {
        using MixtralModel free = Open(device, Pacing.Free, expertPercent), game = Open(device, Pacing.PerFrame, expertPercent);
        string[] expected =
            [.. Enumerable.Range(0, 4).Select(i => Chat(free, i).Ask("Who are you?", s_drawn)).Select(reply => string.Concat(reply))];
        int ticker = Environment.CurrentManagedThreadId;
        foreach (double budget in (double[])[0.05, 1, 1e9])
        {
            Chat[] chats = [.. Enumerable.Range(0, 4).Select(i => Chat(game, i))];
            Reply[] replies = [.. chats.Select(chat => chat.Ask("Who are you?", s_drawn))];
            string[] texts = ["", "", "", ""];
            int ended = 0;
            for (int i = 0; i < 4; i++)
            {
                int who = i;
                replies[i].ReadInTick(
                    (_, piece) =>
                    {
                        Assert.Equal(ticker, Environment.CurrentManagedThreadId);
                        texts[who] += piece;
                    },
                    reply => ended += reply.Problem is null ? 1 : 100);
            }
            while (ended < 4)
            {
                game.Tick(new FrameBudget(budget, budget));
                Thread.Sleep(budget < 1 ? 0 : 1);
            }
            Assert.Equal(4, ended);
            Assert.Equal(expected, texts);
            foreach (Chat chat in chats) chat.Dispose();
        }
    }

    /// <summary>
    /// In game mode experts come to the GPU within the frames' grants: while answers are computed, and while nobody asks for one.
    /// </summary>
    [Fact]
    public void Experts_move_within_the_grants()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        using MixtralModel model = MixtralModel.Load(ShippedModel.Path, new MixtralOptions
        {
            Device = DeviceKind.Vulkan, CpuThreads = 2, ContextLength = 512, ChunkTokens = 64, Pacing = Pacing.PerFrame,
            ExpertBudgetBytes = source.Describe().ExpertBytes / 4,
        });
        var pass = (VulkanForwardPass)model.ForwardPass;
        using Chat chat = Chat(model, 0);
        Reply reply = chat.Ask("Who are you?", s_drawn);
        while (!reply.IsFinished)
        {
            model.Tick(new FrameBudget(2, 2));
            reply.TryRead(out _);
            Thread.Sleep(1);
        }
        for (; pass.RearrangementMilliseconds is not null; Thread.Sleep(1)) model.Tick(new FrameBudget(2, 2)); // until all is there
        Assert.True(pass.ExpertActivity.Sum(layer => layer.Replacements) > 0);
        Assert.Equal(8, pass.ResidentExperts);
    }

    [Fact]
    public void Without_ticks_or_while_paused_nothing_is_computed()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        using Chat chat = Chat(model, 0);
        Reply reply = chat.Ask("Who are you?", s_drawn);
        Assert.False(reply.TryRead(out _));
        Thread.Sleep(50);
        Assert.Equal(0, model.ReadSlices(new Slice[1]));
        model.Pause();
        for (int i = 0; i < 20; i++)
        {
            model.Tick(FrameBudget.Unlimited);
            Thread.Sleep(1);
        }
        Assert.Equal(0, model.ReadSlices(new Slice[1]));
        Assert.False(reply.TryRead(out _));
        model.Resume();
        while (!reply.IsFinished)
        {
            model.Tick(FrameBudget.Unlimited);
            reply.TryRead(out _);
        }
        Assert.NotEqual(0, model.ReadSlices(new Slice[1]));
    }

    [Fact]
    public void A_wait_ends_when_it_is_cancelled_and_when_the_model_goes()
    {
        MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame); // and never ticks
        using var cancellation = new CancellationTokenSource(50);
        using Session session = model.StartSession();
        Assert.Throws<OperationCanceledException>(() => session.Prefill([1, 300, 301], cancellation.Token));
        Assert.Equal(0, session.Tokens.Length);
        using var timer = new Timer(_ => model.Dispose(), null, 50, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => session.Prefill([1, 300, 301]));
    }

    [Theory, MemberData(nameof(Devices))]
    public void A_tick_allocates_nothing(DeviceKind device)
    {
        using MixtralModel model = Open(device, Pacing.PerFrame);
        using Chat chat = Chat(model, 0);
        var slices = new Slice[1024];
        int pieces = 0;
        long allocated = long.MaxValue;
        for (int round = 0; round < 50 && allocated > 0; round++)
        {
            chat.Reset();
            // A tick hands over what the model is ahead, and what comes meanwhile: where that was all, the next round measures.
            const int tokens = 8 * TokenRing.Capacity;
            Reply reply = chat.Ask("Who are you?", s_drawn with { MinTokens = tokens, MaxTokens = tokens });
            reply.ReadInTick((_, _) => pieces++);
            for (int end = pieces + 2; pieces < end; Thread.Sleep(0)) model.Tick(FrameBudget.Unlimited);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int end = pieces + 6; pieces < end && !reply.IsFinished; Thread.Sleep(0))
            {
                model.Tick(FrameBudget.Unlimited);
                model.ReadSlices(slices);
            }
            if (!reply.IsFinished) allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_problem_ends_the_answer_and_is_told()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        using Chat chat = Chat(model, 0);
        Reply? ended = null;
        chat.Ask("Who are you?", s_drawn).ReadInTick((_, _) => { }, reply => ended = reply);
        chat.Session.Prefill([]); // used for something else
        model.Tick(FrameBudget.Unlimited);
        Assert.IsType<InvalidOperationException>(ended!.Problem);
        Assert.Equal(FinishReason.Cancelled, ended.FinishReason);
    }

    /// <summary>Who enumerates an answer of the ticks would wait for pieces that they take: on the thread that ticks, for ever.</summary>
    [Fact]
    public async Task What_ticks_read_is_not_enumerated_as_well()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        using Chat chat = Chat(model, 0);
        Reply reply = chat.Ask("Who are you?", s_drawn);
        reply.ReadInTick((_, _) => { });
        Assert.Throws<InvalidOperationException>(() => reply.First());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await reply.StreamAsync().GetAsyncEnumerator().MoveNextAsync());
        for (; !reply.IsFinished; Thread.Sleep(1)) model.Tick(FrameBudget.Unlimited);
        Assert.Null(reply.Problem);
        Assert.NotEmpty(reply.Text);
    }

    [Fact]
    public void What_an_own_sampler_throws_ends_its_text_alone()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        using Chat bad = Chat(model, 0), good = Chat(model, 1);
        using MixtralModel free = Open(DeviceKind.Cpu, Pacing.Free);
        string expected = string.Concat(Chat(free, 1).Ask("Who are you?", s_drawn));
        int ended = 0, calls = 0;
        Reply failing = bad.Ask("Who are you?", s_drawn with { Adjust = (_, _) =>
            { if (++calls == 5) throw new FormatException("a bug"); } }), going = good.Ask("Who are you?", s_drawn);
        failing.ReadInTick((_, _) => { }, _ => ended++);
        going.ReadInTick((_, _) => { }, _ => ended++);
        for (; ended < 2; Thread.Sleep(1)) model.Tick(FrameBudget.Unlimited);
        Assert.IsType<FormatException>(failing.Problem);
        Assert.Equal(4, failing.Tokens.Count);
        Assert.Equal(failing.Text, bad.History.Last().Text); // it goes on from what was said
        Assert.Null(going.Problem);
        Assert.Equal(expected, going.Text);

        Reply own = bad.Ask("Well?", s_drawn with { Adjust = (_, _) => throw new FormatException("a bug") });
        Assert.Throws<FormatException>(() =>
        {
            for (; !own.IsFinished; own.TryRead(out _)) model.Tick(FrameBudget.Unlimited);
        });
        Assert.True(own is { IsFinished: true, Problem: FormatException });
        Assert.Equal(2, bad.History.Count());
    }

    [Fact]
    public void What_a_handler_throws_comes_out_of_the_tick_and_holds_up_nobody()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        using Chat first = Chat(model, 0), second = Chat(model, 1);
        Reply throwing = first.Ask("Who are you?", s_drawn), going = second.Ask("Who are you?", s_drawn);
        string heard = "", text = "";
        int ends = 0, thrown = 0;
        throwing.ReadInTick(
            (_, piece) =>
            {
                heard += piece;
                throw new NotSupportedException(piece);
            },
            _ =>
            {
                ends++;
                throw new NotSupportedException("end");
            });
        going.ReadInTick((_, piece) => text += piece, _ => ends++);
        int pieces = 0;
        for (int quiet = 0; quiet < 20; quiet++) // until well after the end
        {
            try
            {
                model.Tick(FrameBudget.Unlimited);
                if (ends < 2) quiet = 0;
            }
            catch (NotSupportedException problem)
            {
                thrown++;
                if (problem.Message != "end") pieces++;
                quiet = 0;
            }
            Thread.Sleep(1);
        }
        Assert.Equal(2, ends);
        Assert.Equal(pieces + 1, thrown);
        Assert.True(pieces > 2);
        Assert.Equal(throwing.Text, heard);
        Assert.Equal(going.Text, text);
    }

    /// <summary>Handlers and other threads may begin answers, and a tick within a tick only grants.</summary>
    [Fact]
    public void An_answer_is_added_while_a_tick_hands_over_another()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        Chat[] chats = [.. Enumerable.Range(0, 3).Select(i => Chat(model, i))];
        var ended = new List<Reply>();
        bool added = false;
        chats[0].Ask("Who are you?", s_drawn).ReadInTick(
            (_, _) =>
            {
                if (added) return;
                added = true;
                var other = new Thread(() => chats[1].Ask("Who are you?", s_drawn).ReadInTick((_, _) => { }, ended.Add));
                other.Start();
                Assert.True(other.Join(10_000), "the tick keeps another thread from beginning an answer");
                model.Tick(FrameBudget.Unlimited);
            },
            reply =>
            {
                ended.Add(reply);
                chats[2].Ask("Who are you?", s_drawn).ReadInTick((_, _) => { }, ended.Add);
            });
        for (; ended.Count < 3; Thread.Sleep(1)) model.Tick(FrameBudget.Unlimited);
        Assert.All(ended, reply => Assert.True(reply is { Problem: null, Text.Length: > 0 }));
        foreach (Chat chat in chats) chat.Dispose();
    }

    /// <summary>Of those at once one only grants: each piece is handed over once and in order.</summary>
    [Fact]
    public void Ticks_may_come_from_many_threads()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        Chat[] chats = [.. Enumerable.Range(0, 3).Select(i => Chat(model, i))];
        string[] texts = ["", "", ""];
        int inHandlers = 0, ended = 0;
        Reply[] replies = [.. chats.Select(chat => chat.Ask("Who are you?", s_drawn))];
        for (int i = 0; i < replies.Length; i++)
        {
            int own = i;
            replies[i].ReadInTick(
                (_, piece) =>
                {
                    Assert.Equal(1, Interlocked.Increment(ref inHandlers));
                    texts[own] += piece;
                    Interlocked.Decrement(ref inHandlers);
                },
                _ => ended++);
        }
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            for (; Volatile.Read(ref ended) < replies.Length; Thread.Yield()) model.Tick(FrameBudget.Unlimited);
        });
        Assert.Equal(replies.Select(reply => reply.Text), texts);
        Assert.All(texts, text => Assert.NotEmpty(text));
        foreach (Chat chat in chats) chat.Dispose();
    }

    [Fact]
    public void Of_an_answer_that_is_left_the_conversation_keeps_what_was_read()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, Pacing.PerFrame);
        using Chat chat = Chat(model, 0);
        var ends = new List<FinishReason?>();

        // At the first word; the end is told in the next tick.
        Reply left = chat.Ask("Who are you?", s_drawn);
        left.ReadInTick((_, _) => { }, reply => ends.Add(reply.FinishReason));
        for (; left.Text.Length == 0; Thread.Sleep(0)) model.Tick(FrameBudget.Unlimited);
        if (!left.IsFinished) left.Stop();
        Assert.Equal([new(ChatRole.User, "Who are you?"), new(ChatRole.Assistant, left.Text)], chat.History);

        // Before any text: only spaces have been read, and more are to come than the worker can be ahead of a reader.
        int space = model.Tokenizer.Encode(" ", addSpecial: false)[^1];
        GenerationOptions spaces = s_drawn with { MaxTokens = 8 * TokenRing.Capacity, Adjust = (logits, _) => logits[space] = 1e9f };
        Reply silent = chat.Ask("Well?", spaces);
        for (; silent.Tokens.Count == 0; Thread.Sleep(0))
        {
            model.Tick(FrameBudget.Unlimited);
            silent.TryRead(out _);
        }
        silent.Stop();
        Assert.Empty(silent.Text);
        Assert.Equal(2, chat.History.Count());

        // By the next question, by cancelling, by a chat that goes.
        using var cancellation = new CancellationTokenSource();
        Reply[] others = [chat.Ask("One?", s_drawn), chat.Ask("Two?", s_drawn, cancellation.Token), chat.Ask("Three?", s_drawn)];
        foreach (Reply other in others[..2]) other.ReadInTick((_, _) => { }, reply => ends.Add(reply.FinishReason));
        cancellation.Cancel();
        model.Tick(FrameBudget.Unlimited);
        others[2].ReadInTick((_, _) => { }, reply => ends.Add(reply is { Problem: null } ? reply.FinishReason : null));
        chat.Dispose();
        model.Tick(FrameBudget.Unlimited);
        Assert.Equal(4, ends.Count);
        Assert.All(ends[1..], reason => Assert.Equal(FinishReason.Cancelled, reason));
        Assert.Equal(2, chat.History.Count());
    }

    private static MixtralModel Open(DeviceKind device, Pacing pacing, int? expertPercent = null)
    {
        var options = new MixtralOptions { Device = device, CpuThreads = 2, KvCacheTokens = 4 * 512, ChunkTokens = 64, Pacing = pacing,
            ExpertPlacement = ExpertPlacement.Fixed };
        if (expertPercent is not int percent) return MixtralModel.Load(ShippedModel.Path, options);
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        return MixtralModel.Load(ShippedModel.Path, options with { ExpertBudgetBytes = source.Describe().ExpertBytes * percent / 100 });
    }

    private static Chat Chat(MixtralModel model, int i) => model.StartChat($"You are {s_names[i]}, a keeper of the old mill.");
}
