using MixtralVk.Model;

namespace MixtralVk.Tests;

/// <summary>Sessions that share one KV cache, and that it is too small for: no text may tell.</summary>
[Collection(VulkanCollection.Name)]
public sealed class SharedCacheTests
{
    private const string Lore =
        "[INST] You are Mira, a cheerful baker from Oakvale. You sell bread for 3 silver. Oakvale lies between the river and the old mill. "
        + "Hugo is the gruff smith of Stonefall. Iska keeps the inn, where travellers from Hillmere stay for the night.\n\n";

    private static readonly GenerationOptions s_greedy = new() { Temperature = 0, MaxTokens = 16 };

    public static TheoryData<DeviceKind> Devices => [DeviceKind.Cpu, DeviceKind.Vulkan];

    public static TheoryData<DeviceKind, long> IdleMemories =>
        new() { { DeviceKind.Cpu, 0 }, { DeviceKind.Vulkan, 0 }, { DeviceKind.Vulkan, 1 << 20 }, { DeviceKind.Vulkan, 8 << 20 } };

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_beginning_that_any_session_holds_is_not_computed_again(DeviceKind device)
    {
        string[] texts = [Lore + "Who are you? [/INST]", Lore + "What do you sell? [/INST]"];
        using MixtralModel model = Open(device, 512);
        using Session first = Begin(model, texts[0]), second = Begin(model, texts[1]);
        int common = first.Tokens.CommonPrefixLength(second.Tokens) / KvPages.PageTokens * KvPages.PageTokens;
        Assert.True(common >= 2 * KvPages.PageTokens);
        Assert.Equal((0, common), (first.PrefillTimings.ReusedTokens, second.PrefillTimings.ReusedTokens));
        Assert.Equal(texts.Select(text => Alone(device, text)), [Text(first), Text(second)]);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_fork_goes_on_from_the_same_text_and_disturbs_nobody(DeviceKind device)
    {
        using MixtralModel model = Open(device, 512);
        string whole = Alone(device, Lore + "Who are you? [/INST]");
        using Session first = Begin(model, Lore + "Who are you? [/INST]");
        string begun = Text(first, s_greedy with { MaxTokens = 5 });
        int free = model.ForwardPass.Pages.FreeCount;
        using Session fork = first.Fork(), rewound = first.Fork();
        Assert.Equal(free, model.ForwardPass.Pages.FreeCount);
        rewound.Prefill([.. first.Tokens[..40], 5, 6, 7]); // inside a page of all three
        Text(rewound);
        Assert.Equal(whole, begun + Text(fork, s_greedy with { MaxTokens = 11 }));
        Assert.Equal(whole, begun + Text(first, s_greedy with { MaxTokens = 11 }));
    }

    [Theory]
    [MemberData(nameof(IdleMemories))]
    public void Sessions_of_four_times_the_cache_speak_as_with_room_for_all(DeviceKind device, long idleBytes)
    {
        const int sessions = 64, pagesEach = 2;
        string[] names = ["Mira", "Hugo", "Iska", "Pierre"], places = ["Oakvale", "Stonefall", "Hillmere", "Redford"];
        string[] personas = [.. Enumerable.Range(0, sessions)
            .Select(i => $"[INST] You are {names[i % 4]}, keeper number {i} of {places[i / 4 % 4]}.\n\nWho are you? [/INST]")];
        string[] Speak(int cacheTokens)
        {
            using MixtralModel model = Open(device, cacheTokens, idleBytes: idleBytes);
            GenerationOptions few = s_greedy with { MaxTokens = 8 };
            Session[] all = [.. personas.Select(text => Begin(model, text))];
            string[] spoken = [.. all.Select(session => Text(session, few))];
            Assert.All(all, session => Assert.InRange(KvPages.PagesFor(session.Tokens.Length), pagesEach, pagesEach));
            for (int i = 0; i < sessions; i++)
                all[i].Prefill([.. all[i].Tokens, .. model.Tokenizer.Encode("[INST] Go on. [/INST]", addSpecial: false)]);
            // All came back.
            if (idleBytes >= 8 << 20)
                Assert.All(all, session => Assert.InRange(session.PrefillTimings.ReusedTokens, KvPages.PageTokens, 2 * KvPages.PageTokens));
            for (int i = 0; i < sessions; i++) spoken[i] += Text(all[i], few);
            foreach (Session session in all) session.Dispose();
            Assert.Equal(model.ForwardPass.Pages.PageCount, model.ForwardPass.Pages.FreeCount);
            return spoken;
        }
        Assert.Equal(Speak(sessions * 4 * KvPages.PageTokens), Speak(sessions * pagesEach * KvPages.PageTokens / 4));
    }

    [Fact]
    public void Two_that_do_not_fit_together_take_turns()
    {
        string[] texts =
            [Lore + "Who are you? [/INST]", Lore.Replace("Mira", "Iska", StringComparison.Ordinal) + "Where do you live? [/INST]"];
        using MixtralModel model = Open(DeviceKind.Cpu, 1, context: 160);
        Assert.Equal(5, model.ForwardPass.Pages.PageCount);
        using Session a = Begin(model, texts[0]), b = Begin(model, texts[1]);
        using IEnumerator<GeneratedToken> first = a.Generate(s_greedy).GetEnumerator(), second = b.Generate(s_greedy).GetEnumerator();
        string[] spoken = ["", ""];
        bool more = true;
        while (more)
        {
            more = false;
            foreach ((IEnumerator<GeneratedToken> tokens, int i) in new[] { (first, 0), (second, 1) })
                if (tokens.MoveNext()) (spoken[i], more) = (spoken[i] + tokens.Current.Text, true);
        }
        Assert.Equal(texts.Select(text => Alone(DeviceKind.Cpu, text)), spoken);
    }

    [Fact]
    public void A_forked_chat_remembers_and_goes_its_own_way()
    {
        using MixtralModel model = Open(DeviceKind.Cpu, 1024);
        using Chat chat = model.StartChat("You are Mira, a cheerful baker from Oakvale. You sell bread for 3 silver.", s_greedy);
        string first = Answer(chat, "Who are you?");
        using Chat fork = chat.Fork();
        string sell = Answer(fork, "What do you sell?");
        Answer(chat, "Where do you live?");
        Assert.Equal(["Who are you?", first, "What do you sell?", sell], fork.History.Select(message => message.Text));
        Assert.Equal(["Who are you?", "Where do you live?"],
            chat.History.Where(message => message.Role == ChatRole.User).Select(message => message.Text));
        using Chat anew = model.StartChat(chat.Persona, s_greedy);
        Answer(anew, "Who are you?");
        Assert.Equal(sell, Answer(anew, "What do you sell?"));
    }

    private static MixtralModel Open(DeviceKind device, int cacheTokens, int context = 256, long idleBytes = 0) =>
        MixtralModel.Load(ShippedModel.Path, new MixtralOptions
    {
        Device = device, CpuThreads = 2, ContextLength = context, KvCacheTokens = cacheTokens, ChunkTokens = 64,
        IdleMemoryBytes = idleBytes, IdleMemoryEverywhere = true,
    });

    private static Session Begin(MixtralModel model, string text)
    {
        Session session = model.StartSession();
        session.Prefill(model.Tokenizer.Encode(text));
        return session;
    }

    private static string Answer(Chat chat, string text) => string.Concat(chat.Ask(text));

    private static string Alone(DeviceKind device, string text)
    {
        using MixtralModel model = Open(device, 1);
        using Session session = Begin(model, text);
        return Text(session);
    }

    private static string Text(Session session, GenerationOptions? options = null) =>
        string.Concat(session.Generate(options ?? s_greedy).Select(token => token.Text));
}
