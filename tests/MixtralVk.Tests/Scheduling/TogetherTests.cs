using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Scheduling;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Scheduling;

/// <summary>Texts that are computed together: none may tell.</summary>
[Collection(VulkanCollection.Name)]
public sealed class TogetherTests
{
    private static readonly string[] s_names = ["Mira", "Hugo", "Iska", "Pierre", "Lena", "Tom", "Runa", "Odo"];

    public static TheoryData<DeviceKind> Devices => [DeviceKind.Cpu, DeviceKind.Vulkan];

    [Theory, MemberData(nameof(Devices))]
    public void Eight_together_say_what_each_says_alone(DeviceKind device)
    {
        using MixtralModel model = Open(device);
        string[] alone = [.. s_names.Select((name, i) => Ask(model, name, i).Text)];
        Assert.True(alone.Distinct().Count() > 5); // an answer in another's place would show

        Chat[] chats = [.. s_names.Select(name => Chat(model, name))];
        Reply[] replies = [.. chats.Select((chat, i) => chat.Ask("Who are you, and what do you do?", Drawn(i)))];
        foreach (Reply reply in replies) reply.Start(); // from here on all are computed together
        foreach (Reply reply in replies) _ = string.Concat(reply);
        Assert.Equal(alone, replies.Select(reply => reply.Text));
        foreach (Chat chat in chats) chat.Dispose();

        string[] inThreads = new string[8];
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => inThreads[i] = Ask(model, s_names[i], i).Text);
        Assert.Equal(alone, inThreads);
        Assert.Equal(model.ForwardPass.Pages.PageCount, model.ForwardPass.Pages.FreeCount);
    }

    [Theory, MemberData(nameof(Devices))]
    public void What_they_begin_with_is_computed_once(DeviceKind device)
    {
        using MixtralModel model = Open(device);
        string lore = string.Concat(Enumerable.Repeat("Oakvale lies between the river and the old mill. ", 20));
        Chat[] chats = [.. s_names.Select(name => model.StartChat($"{lore}You are {name}."))];
        Reply[] replies = [.. chats.Select((chat, i) => chat.Ask("Who are you?", Drawn(i)))];
        foreach (Reply reply in replies) reply.Start();
        foreach (Reply reply in replies) _ = string.Concat(reply);
        int whole = replies[0].Timings.PromptTokens + replies[0].Timings.ReusedTokens, common = whole - 20;
        Assert.True(common > 200);
        Assert.InRange(replies.Sum(reply => reply.Timings.PromptTokens), whole, common + 8 * (20 + 2 * KvPages.PageTokens));
        foreach (Chat chat in chats) chat.Dispose();
    }

    [Fact]
    public void A_reader_that_hangs_holds_up_only_its_own_text()
    {
        using MixtralModel model = Open(DeviceKind.Cpu);
        string[] alone = [.. s_names.Take(2).Select((name, i) => Ask(model, name, i, 60).Text)];
        using Chat hanging = Chat(model, s_names[0]), going = Chat(model, s_names[1]);
        Reply first = hanging.Ask("Who are you, and what do you do?", Drawn(0, 60));
        first.Start(); // and is not read for now
        Assert.Equal(alone[1], string.Concat(going.Ask("Who are you, and what do you do?", Drawn(1, 60))));
        string text = "";
        while (!first.IsFinished)
            if (first.TryRead(out string piece)) text += piece;
        Assert.Equal(alone[0], text);
    }

    [Fact]
    public void Where_a_reader_leaves_the_text_ends()
    {
        using MixtralModel model = Open(DeviceKind.Cpu);
        int[] prompt = model.Tokenizer.Encode("[INST] Tell me about yourself. [/INST]");
        using Session whole = model.StartSession(), left = model.StartSession(), other = model.StartSession();
        whole.Prefill(prompt);
        left.Prefill(prompt);
        other.Prefill(prompt);
        int[] expected = [.. whole.Generate(Drawn(3, 20)).Select(token => token.Id)];
        GenerationOptions greedy = new() { Temperature = 0, MaxTokens = 12 };
        int[] greedily = [.. other.Generate(greedy).Select(token => token.Id)];

        Generation generation = left.Generate(Drawn(3, 20));
        generation.Start();
        other.Prefill(prompt);
        Assert.Equal(greedily, other.Generate(greedy).Select(token => token.Id)); // so the worker is ahead of the reader of the first
        for (int i = 0; i < 3;)
            if (generation.TryRead(out GeneratedToken token)) Assert.Equal(expected[i++], token.Id);
        generation.Stop();
        Assert.Equal((FinishReason.Cancelled, false), (generation.FinishReason!.Value, generation.TryRead(out _)));
        Assert.Equal([.. prompt, .. expected[..3]], left.Tokens.ToArray());
        left.Prefill(prompt);
        Assert.Equal(greedily, left.Generate(greedy).Select(token => token.Id));
    }

    [Fact]
    public async Task Readers_that_await_take_no_threads()
    {
        const int readers = 100;
        using MixtralModel model = Open(DeviceKind.Cpu, kvTokens: 12 * 512);
        string expected = Ask(model, s_names[0], 0, 12).Text;
        Chat[] chats = [.. Enumerable.Range(0, readers).Select(_ => Chat(model, s_names[0]))];
        async Task<string> Read(Chat chat)
        {
            string text = "";
            await foreach (string piece in chat.AskAsync("Who are you, and what do you do?", Drawn(0, 12))) text += piece;
            return text;
        }
        Task<string[]> all = Task.WhenAll(chats.Select(Read));
        int most = 0;
        while (!all.IsCompleted)
        {
            most = Math.Max(most, ThreadPool.ThreadCount);
            await Task.Delay(1);
        }
        Assert.All(await all, text => Assert.Equal(expected, text));
        // As many as there are processors work at once, and other tests may have some.
        int expectedMost = Environment.ProcessorCount + readers / 2;
        Assert.True(most < expectedMost, $"{most} threads of the pool for {readers} readers.");
        foreach (Chat chat in chats) chat.Dispose();
    }

    [Fact]
    public void Polling_allocates_nothing()
    {
        using MixtralModel model = Open(DeviceKind.Cpu);
        using Chat chat = Chat(model, s_names[0]);
        long allocated = long.MaxValue;
        for (int round = 0; round < 100 && allocated > 0; round++)
        {
            chat.Reset();
            Reply reply = chat.Ask("Who are you, and what do you do?", Drawn(0, 40));
            while (!reply.TryRead(out _)) Thread.Sleep(1);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int pieces = 0; pieces < 6;)
                if (reply.TryRead(out _)) pieces++;
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void A_damaged_text_ends_alone()
    {
        // Rows of the embedding are two blocks, of which every seventh is NaN.
        using TemporaryFile file = new SyntheticModel { EmbeddingFormat = WeightFormat.Q8_0,
            Damage = new Dictionary<string, float> { ["token_embd.weight"] = float.NaN } }.WriteTemporary();
        using MixtralModel model = MixtralModel.Load(file.Path,
            new MixtralOptions { Device = DeviceKind.Cpu, CpuThreads = 2, ContextLength = 64, KvCacheTokens = 256 });
        int damaged = Enumerable.Range(0, model.Config.VocabSize).First(token => !IsSound(model, token));
        int[] sound = [.. Enumerable.Range(0, model.Config.VocabSize).Where(token => IsSound(model, token)).Take(6)];
        Assert.Equal(6, sound.Length);
        GenerationOptions one = new() { MaxTokens = 1, Seed = 1 };
        Session[] sessions = [.. Enumerable.Range(0, 4).Select(_ => model.StartSession())];
        Generation[] all =
            [.. sessions.Select((session, i) => session.Generate([.. sound[..3], i == 2 ? damaged : sound[3 + i % 3]], one))];
        foreach (Generation generation in all) generation.Start();
        for (int i = 0; i < 4; i++)
        {
            if (i == 2) Assert.Throws<NonFiniteException>(() => ReadToEnd(all[i]));
            else Assert.Single(ReadToEnd(all[i]));
        }
        foreach (Session session in sessions) session.Dispose();
        Assert.Equal(model.ForwardPass.Pages.PageCount, model.ForwardPass.Pages.FreeCount);
    }

    [Fact]
    public void Disposing_the_model_ends_whoever_waits()
    {
        MixtralModel model = Open(DeviceKind.Cpu);
        Chat chat = Chat(model, s_names[0]);
        const int tokens = 8 * TokenRing.Capacity; // more than the worker can be ahead of a reader
        Reply reply = chat.Ask("Who are you, and what do you do?", Drawn(0, tokens) with { MinTokens = tokens });
        reply.Start();
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
        {
            while (!reply.IsFinished) reply.TryRead(out _);
        });
        chat.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.StartSession().Prefill([1, 2]));
    }

    private static bool IsSound(MixtralModel model, int token)
    {
        using Session session = model.StartSession();
        try
        {
            session.Prefill([token]);
            return true;
        }
        catch (NonFiniteException)
        {
            return false;
        }
    }

    private static List<GeneratedToken> ReadToEnd(Generation generation)
    {
        var tokens = new List<GeneratedToken>();
        while (!generation.IsFinished)
            if (generation.TryRead(out GeneratedToken token)) tokens.Add(token);
        return tokens;
    }

    private static MixtralModel Open(DeviceKind device, int kvTokens = 8 * 512) =>
        MixtralModel.Load(ShippedModel.Path,
            new MixtralOptions { Device = device, CpuThreads = 2, KvCacheTokens = kvTokens, ChunkTokens = 64 });

    private static Chat Chat(MixtralModel model, string name) => model.StartChat($"You are {name}, a keeper of the old mill by the river.");

    private static GenerationOptions Drawn(int seed, int tokens = 24) =>
        new() { Temperature = 1.5f, Seed = (ulong)seed, MaxTokens = tokens };

    private static Reply Ask(MixtralModel model, string name, int seed, int tokens = 24)
    {
        using Chat chat = Chat(model, name);
        Reply reply = chat.Ask("Who are you, and what do you do?", Drawn(seed, tokens));
        foreach (string _ in reply) { }
        return reply;
    }
}
