using MixtralVk.Characters;
using MixtralVk.SaveGames;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Scheduling;

/// <summary>
/// A game that does everything at once, seeded: characters speak, are interrupted, cancelled, saved with and without keys, and loaded, while budgets change, the
/// game pauses and the device is lost. What each says is what it says alone.
/// </summary>
[Collection(VulkanCollection.Name)]
public sealed class CharacterStressTests
{
    private const int Operations = 120;

    private static readonly string[] s_names = ["Mira", "Hugo", "Iska", "Pierre", "Brannor", "Lena"];
    private static readonly string[] s_lines = ["Hello, who are you?", "Any rumours?", "Where is the mill?", "What do you sell?", "Goodbye."];

    /// <summary>A line said to a character as it was then, and what was heard of the reply.</summary>
    private sealed class Said(int who, CharacterSave before, string line, CharacterReply reply, CancellationTokenSource cancellation)
    {
        private string _heard = "";

        public void Hear(int most)
        {
            while (most-- > 0 && reply.TryRead(out string piece) && piece.Length > 0) _heard += piece;
        }

        public bool IsOver => reply.IsFinished;

        public int Length => _heard.Length;

        public void Cancel() => cancellation.Cancel();

        /// <summary>Whatever happened, the character said this, or as much of it as was heard.</summary>
        public void Check(Character[] alone)
        {
            alone[who].Load(before with { Keys = null });
            string whole = string.Concat(alone[who].Say(line));
            if (reply.Answer is not null) Assert.Equal(whole, _heard);
            else Assert.StartsWith(_heard, whole, StringComparison.Ordinal);
            cancellation.Dispose();
        }
    }

    [Theory, InlineData(1)]
    public async Task Nothing_that_happens_at_the_same_time_changes_what_a_character_says(int seed)
    {
        var random = new Random(seed);
        var options = new MixtralOptions
        {
            Device = DeviceKind.Vulkan, ContextLength = 384, KvCacheTokens = 3 * 384, ChunkTokens = 64, IdleMemoryBytes = 1 << 20, IdleMemoryEverywhere = true,
        };
        var all = new List<Said>();
        Func<string, nint, nint> faults = VulkanFaults.Begin();
        using (MixtralModel model = MixtralModel.Load(ShippedModel.Path, options with { Pacing = Pacing.PerFrame, WithGpuOptions = gpu => gpu with { ReplaceCommand = faults } }))
        {
            int losses = 0, loaded = 0;
            model.DeviceLost += (_, _) => losses++;
            Character[] characters = Cast(model);
            var latest = new Said?[characters.Length];
            var saves = new List<(int Who, Task<CharacterSave> Save)>();
            FrameBudget budget = FrameBudget.Unlimited;
            bool isPaused = false;
            for (int operation = 0; operation < Operations; operation++)
            {
                int who = random.Next(characters.Length);
                switch (random.Next(13))
                {
                    case <= 3: Say(who); break;
                    case 4: characters[who].Interrupt(); break;
                    case 5: latest[who]?.Cancel(); break;
                    case 6: saves.Add((who, Task.FromResult(characters[who].Save()))); break;
                    case 7: saves.Add((who, characters[who].SaveWithKeysAsync())); break;
                    case 8 when saves.FindAll(save => save.Save.IsCompletedSuccessfully) is { Count: > 0 } done:
                        (int saved, Task<CharacterSave> task) = done[random.Next(done.Count)];
                        characters[saved].Load(CharacterSave.Parse((await task).ToBytes()));
                        loaded++;
                        break;
                    case 9: budget = random.Next(3) switch { 0 => FrameBudget.Unlimited, 1 => new FrameBudget(0.5, 0.2), _ => new FrameBudget(4, 2) }; break;
                    case 10: SetPause(random.Next(3) == 0); break;
                    case 11: characters[who].Priority = (Priority)random.Next(3); break;
                    case 12 when random.Next(2) == 0: VulkanFaults.SubmissionsLeft = random.Next(40); break;
                }
                int heard = all.Sum(said => said.Length) + random.Next(20);
                for (int frame = 0; frame < (isPaused ? 4 : 100) && all.Sum(said => said.Length) < heard; frame++) Frame(budget);
            }
            SetPause(false);
            for (int frame = 0; Array.Exists(latest, said => said is { IsOver: false }) || !saves.TrueForAll(save => save.Save.IsCompleted); frame++)
            {
                Assert.True(frame < 60_000, "Nobody gets on.");
                Frame(FrameBudget.Unlimited);
            }
            foreach (Character character in characters) character.Dispose();
            VulkanFaults.Mend();
            Assert.All(saves, save => Assert.True(save.Save.IsCompletedSuccessfully));
            Assert.InRange(losses, 1, 30);
            Assert.InRange(loaded, 1, Operations);
            Assert.Equal(model.ForwardPass.Pages.PageCount, model.ForwardPass.Pages.FreeCount);

            void Say(int who)
            {
                if (latest[who] is { IsOver: false } && random.Next(4) > 0) return;
                characters[who].Interrupt();
                CharacterSave before = characters[who].Save();
                string line = s_lines[random.Next(s_lines.Length)];
                var cancellation = new CancellationTokenSource();
                all.Add(latest[who] = new Said(who, before, line, characters[who].Say(line, cancellation.Token), cancellation));
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
                foreach (Said? said in latest) said?.Hear(random.Next(1, 4));
                Thread.Sleep(1);
            }
        }
        Assert.InRange(all.Sum(said => said.Length), 100, int.MaxValue);
        using MixtralModel free = MixtralModel.Load(ShippedModel.Path, options);
        Character[] alone = Cast(free);
        foreach (Said said in all) said.Check(alone);
    }

    private static Character[] Cast(MixtralModel model) => [.. s_names.Select((name, i) => new Character(model, new CharacterSheet
    {
        Name = name, Persona = $"You are {name}, who lives in Oakhaven. You heard that wolves were seen near the north gate.", DescribesActions = false,
        Voice = new() { Sampling = new() { Temperature = 1.2f, Seed = (ulong)i } }, MaxTokens = 40,
    }))];
}
