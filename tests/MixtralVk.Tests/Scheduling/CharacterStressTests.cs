using System.Globalization;
using MixtralVk.Characters;
using MixtralVk.SaveGames;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Scheduling;

/// <summary>
/// A game that does everything at once, seeded: characters speak, are interrupted, cancelled, forked, saved with and without keys, and
/// loaded, while budgets change, the game pauses and the device is lost. What each says and does is what it says and does alone.
/// </summary>
[Collection(VulkanCollection.Name)]
public sealed class CharacterStressTests
{
    private static readonly string[] s_names = ["Mira", "Hugo", "Iska", "Pierre", "Brannor", "Lena"];
    private static readonly string[] s_lines =
        ["Hello, who are you?", "Any rumours?", "Where is the mill?", "What do you sell?", "Goodbye."];

    /// <summary>
    /// How many things happen, and the seed that says which: a short run, or what the environment asks for, "OPERATIONS SEED...".
    /// </summary>
    public static TheoryData<int, int> Runs
    {
        get
        {
            int[] numbers = [.. (Environment.GetEnvironmentVariable("MIXTRALVK_STRESS") ?? "120 1").Split(' ')
                .Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
            var runs = new TheoryData<int, int>();
            foreach (int seed in numbers[1..]) runs.Add(numbers[0], seed);
            return runs;
        }
    }

    /// <summary>A line said to a character as it was then, and what was heard of the reply.</summary>
    private sealed class Said : IDisposable
    {
        private readonly CharacterSave _before;
        private readonly string _line;
        private readonly CharacterReply _reply;
        private readonly CancellationTokenSource _cancellation = new();
        private readonly bool _isReadInTicks;
        private string _heard = "";
        private int _ends;

        public Said(Character who, string line, bool readInTicks)
        {
            (_before, _line, _isReadInTicks) = (who.Save(), line, readInTicks);
            _reply = who.Say(line, _cancellation.Token);
            if (readInTicks) _reply.ReadInTick((_, piece) => _heard += piece, _ => _ends++);
        }

        public bool IsOver => _reply.IsFinished;

        public int Length => _heard.Length;

        public bool Waves => _reply.Answer is { Action: "wave" };

        public void Hear(int most)
        {
            if (_isReadInTicks) return;
            while (most-- > 0 && _reply.TryRead(out string piece) && piece.Length > 0) _heard += piece;
        }

        public void Cancel() => _cancellation.Cancel();

        /// <summary>Whatever happened, the character said this, or as much of it as was heard, and was told of its end once.</summary>
        public void Check(Dictionary<string, Character> alone)
        {
            Character character = alone[_before.Name];
            character.Load(_before);
            string whole = string.Concat(character.Say(_line));
            if (_reply.Answer is not null) Assert.Equal((whole, character.Latest!.Answer), (_heard, _reply.Answer));
            else Assert.StartsWith(_heard, whole, StringComparison.Ordinal);
            Assert.Null(_reply.Problem);
            Assert.Equal(_isReadInTicks ? 1 : 0, _ends);
        }

        public void Dispose() => _cancellation.Dispose();
    }

    [Theory, MemberData(nameof(Runs))]
    public async Task Nothing_that_happens_at_the_same_time_changes_what_a_character_says(int operations, int seed)
    {
        // What happens is the seed's: each operation draws for itself, and so do the frames, as how many there are is a matter of time.
        Random operationSeeds = new(seed), frames = new(seed);
        var options = new MixtralOptions
        {
            Device = DeviceKind.Vulkan, ContextLength = 384, KvCacheTokens = 3 * 384, ChunkTokens = 64, IdleMemoryBytes = 1 << 20,
            IdleMemoryEverywhere = true,
        };
        var all = new List<Said>();
        int waves = 0;
        Func<string, nint, nint> faults = VulkanFaults.Begin();
        using (MixtralModel model = MixtralModel.Load(ShippedModel.Path,
            options with { Pacing = Pacing.PerFrame, WithGpuOptions = gpu => gpu with { ReplaceCommand = faults } }))
        {
            int losses = 0, loaded = 0, forked = 0;
            model.DeviceLost += (_, _) => losses++;
            Character[] characters = Cast(model, () => waves++);
            var latest = new Said?[characters.Length];
            var saves = new List<Task<CharacterSave>>();
            FrameBudget budget = FrameBudget.Unlimited;
            bool isPaused = false;
            for (int operation = 0; operation < operations; operation++)
            {
                var random = new Random(operationSeeds.Next());
                int who = random.Next(characters.Length);
                switch (random.Next(14))
                {
                    case <= 3: Say(who, random); break;
                    case 4: characters[who].Interrupt(); break;
                    case 5: latest[who]?.Cancel(); break;
                    case 6: saves.Add(Task.FromResult(characters[who].Save())); break;
                    case 7: saves.Add(characters[who].SaveWithKeysAsync()); break;
                    case 8 when saves.FindAll(save => save.IsCompletedSuccessfully && save.Result.Name == characters[who].Sheet.Name)
                        is { Count: > 0 } own:
                        characters[who].Load(CharacterSave.Parse((await own[random.Next(own.Count)]).ToBytes()));
                        loaded++;
                        break;
                    case 9: budget = random.Next(3) switch { 0 => FrameBudget.Unlimited, 1 => new FrameBudget(0.5, 0.2),
                        _ => new FrameBudget(4, 2) }; break;
                    case 10: SetPause(random.Next(3) == 0); break;
                    case 11: characters[who].Priority = (Priority)random.Next(3); break;
                    case 12 when random.Next(2) == 0: VulkanFaults.SubmissionsLeft = random.Next(40); break;
                    case 13 when random.Next(characters.Length) is var other && other != who:
                        characters[who].Dispose();
                        characters[who] = characters[other].Fork();
                        forked++;
                        break;
                }
                int heard = all.Sum(said => said.Length) + random.Next(20);
                for (int frame = 0; frame < (isPaused ? 4 : 100) && all.Sum(said => said.Length) < heard; frame++) Frame(budget);
            }
            SetPause(false);
            for (int idle = 0, before = -1;
                Array.Exists(latest, said => said is { IsOver: false }) || !saves.TrueForAll(save => save.IsCompleted); idle++)
            {
                int done = all.Sum(said => said.Length) + saves.Count(save => save.IsCompleted);
                if (done > before) (before, idle) = (done, 0);
                Assert.True(idle < 60_000, "Nobody gets on.");
                Frame(FrameBudget.Unlimited);
            }
            foreach (Character character in characters) character.Dispose();
            VulkanFaults.Mend();
            Frame(FrameBudget.Unlimited); // the last ends
            Frame(FrameBudget.Unlimited); // and waves
            Assert.All(saves, save => Assert.True(save.IsCompletedSuccessfully));
            Assert.InRange(losses, operations / 100, operations / 4);
            Assert.InRange(loaded, operations / 100, operations);
            Assert.InRange(forked, operations / 100, operations);
            Assert.Equal(model.ForwardPass.Pages.PageCount, model.ForwardPass.Pages.FreeCount);

            void Say(int who, Random random)
            {
                if (latest[who] is { IsOver: false } && random.Next(4) > 0) return;
                characters[who].Interrupt();
                all.Add(latest[who] = new Said(characters[who], s_lines[random.Next(s_lines.Length)], readInTicks: random.Next(2) == 0));
            }

            void SetPause(bool pause)
            {
                if (pause == isPaused) return;
                isPaused = pause;
                if (pause) model.Pause();
                else model.Resume();
            }

            void Frame(FrameBudget granted)
            {
                model.Tick(granted);
                foreach (Said? said in latest) said?.Hear(frames.Next(1, 4));
                Thread.Sleep(1);
            }
        }
        Assert.Contains(all, said => said.Length > 0); // how much is heard is a matter of time
        Assert.Equal(all.Count(said => said.Waves), waves);
        using MixtralModel free = MixtralModel.Load(ShippedModel.Path, options);
        Dictionary<string, Character> alone = Cast(free, () => { }).ToDictionary(character => character.Sheet.Name);
        foreach (Said said in all)
        {
            said.Check(alone);
            said.Dispose();
        }
    }

    private static Character[] Cast(MixtralModel model, Action wave) =>
        [.. s_names.Select((name, i) => new Character(model, new CharacterSheet
    {
        Name = name, Persona = $"You are {name}, who lives in Oakhaven. You heard that wolves were seen near the north gate.",
        DescribesActions = false, MaxTokens = 60,
        Actions = new CharacterActions().Add("wave", "waves", _ => wave()), Voice = new()
            { Sampling = new() { Temperature = 1.2f, Seed = (ulong)i } },
    }))];
}
