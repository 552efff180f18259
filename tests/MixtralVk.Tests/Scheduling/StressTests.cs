namespace MixtralVk.Tests.Scheduling;

/// <summary>
/// A thousand seeded random things done to a model: whatever happens at the same time, every text is the one it would be alone.
/// </summary>
[Collection(VulkanCollection.Name)]
public sealed class StressTests
{
    private const int Sessions = 7, Operations = 1000;

    private static readonly string[] s_lines =
        ["[INST] You are Mira, a baker from Oakvale.\nWho are you? [/INST]", "[INST] What do you sell? [/INST]",
        "[INST] Where is the old mill, and who lives there? [/INST]", "[INST] Go on. [/INST]"];

    /// <summary>Somebody in the test: a session, what it is saying, and what has been read of that.</summary>
    private sealed class Speaker(Session session)
    {
        public Session Session { get; } = session;

        public Generation? Saying { get; set; }

        public Said? Latest { get; set; }
    }

    /// <summary>A text begun from a prompt, to be checked when all is over.</summary>
    private sealed record Said(int[] Prompt, GenerationOptions Options, List<int> Read);

    [Theory]
    [InlineData(DeviceKind.Cpu, 1)]
    [InlineData(DeviceKind.Cpu, 2)]
    [InlineData(DeviceKind.Vulkan, 3)]
    public void Nothing_that_happens_at_the_same_time_changes_a_text(DeviceKind device, int seed)
    {
        var random = new Random(seed);
        var all = new List<Said>();
        // Room for three of seven.
        var options = new MixtralOptions { Device = device, CpuThreads = 2, ContextLength = 256,
            KvCacheTokens = 3 * 256, ChunkTokens = 32 };
        using (MixtralModel model = MixtralModel.Load(ShippedModel.Path, options with { Pacing = Pacing.PerFrame }))
        {
            Speaker[] speakers = [.. Enumerable.Range(0, Sessions).Select(_ => new Speaker(model.StartSession()))];
            FrameBudget budget = FrameBudget.Unlimited;
            bool paused = false;
            for (int operation = 0; operation < Operations; operation++)
            {
                int who = random.Next(Sessions);
                switch (random.Next(12))
                {
                    case <= 3: Say(speakers[who], model, random, all); break;
                    case 4: speakers[who].Saying?.Stop(); break;
                    case 5: Replace(ref speakers[who], speakers[random.Next(Sessions)]); break;
                    case 6: budget = random.Next(3) switch { 0 => FrameBudget.Unlimited, 1 => new FrameBudget(0.2, 0.2),
                        _ => new FrameBudget(2, 2) }; break;
                    case 7: speakers[who].Session.Priority = (Priority)random.Next(3); break;
                    case 8:
                        paused = random.Next(4) == 0;
                        (paused ? (Action)model.Pause : model.Resume)();
                        break;
                    default: foreach (Speaker speaker in speakers) Read(speaker, random.Next(6)); break;
                }
                model.Tick(budget);
                if (random.Next(3) == 0 && !paused) WaitForOne(model, budget, speakers);
            }
            model.Resume();
            while (speakers.Any(IsSpeaking)) WaitForOne(model, FrameBudget.Unlimited, speakers);
            foreach (Speaker speaker in speakers) speaker.Session.Dispose();
            Assert.Equal(model.ForwardPass.Pages.PageCount, model.ForwardPass.Pages.FreeCount);
        }
        Assert.InRange(all.Count, Operations / 20, Operations);
        Assert.InRange(all.Sum(said => said.Read.Count), Operations / 10, int.MaxValue);
        using MixtralModel free = MixtralModel.Load(ShippedModel.Path, options);
        using Session alone = free.StartSession();
        foreach (Said said in all)
            Assert.Equal(alone.Generate(said.Prompt, said.Options).Take(said.Read.Count).Select(token => token.Id), said.Read);
    }

    /// <summary>Goes on with what was said before, if there is room; what is being said ends.</summary>
    private static void Say(Speaker speaker, MixtralModel model, Random random, List<Said> all)
    {
        if (speaker.Saying is { IsFinished: false } && random.Next(6) > 0) return;
        speaker.Saying?.Stop();
        int[] line = model.Tokenizer.Encode(s_lines[random.Next(s_lines.Length)], addSpecial: speaker.Session.Tokens.IsEmpty);
        int[] prompt = speaker.Session.Tokens.Length + line.Length > 220
            ? model.Tokenizer.Encode(s_lines[0]) : [.. speaker.Session.Tokens, .. line];
        var said = new Said(prompt,
            new GenerationOptions { Temperature = 1.2f, Seed = (ulong)all.Count, MaxTokens = random.Next(1, 24) }, []);
        all.Add(said);
        speaker.Saying = speaker.Session.Generate(prompt, said.Options);
        speaker.Latest = said;
        speaker.Saying.Start();
    }

    private static bool IsSpeaking(Speaker speaker) => speaker.Saying is { IsFinished: false };

    /// <summary>Ticks until somebody who speaks has said another token.</summary>
    private static void WaitForOne(MixtralModel model, FrameBudget budget, Speaker[] speakers)
    {
        for (int frame = 0; speakers.Any(IsSpeaking) && !speakers.Any(speaker => Read(speaker, 1) > 0); frame++)
        {
            Assert.True(frame < 100_000, "Nobody gets on.");
            model.Tick(budget);
            Thread.Sleep(1);
        }
    }

    private static int Read(Speaker speaker, int most)
    {
        int read = 0;
        while (read < most && speaker.Saying is { } saying && saying.TryRead(out GeneratedToken token))
        {
            speaker.Latest!.Read.Add(token.Id);
            read++;
        }
        return read;
    }

    /// <summary>One leaves, and another's double takes the place.</summary>
    private static void Replace(ref Speaker leaving, Speaker other)
    {
        if (leaving == other) return;
        leaving.Session.Dispose();
        leaving = new Speaker(other.Session.Fork());
    }
}
