using MixtralVk.Characters;
using MixtralVk.Model;
using MixtralVk.SaveGames;
using MixtralVk.Scheduling;

namespace MixtralVk.Tests.SaveGames;

/// <summary>Saves with keys and values: what they spare, and that nothing else tells them from others.</summary>
[Collection(VulkanCollection.Name)]
public sealed class SavedKeysTests
{
    private static readonly string[] s_lines = ["Hello, who are you?", "Any rumours?", "Where is the mill?"];

    private static readonly CharacterSheet s_sheet = new()
    {
        Name = "Brannor", Persona =
            "You are Brannor, a gruff blacksmith from Oakhaven. You heard that wolves were seen near the north gate.",
            DescribesActions = false,
        Voice = new() { Sampling = new() { Temperature = 1.2f, Seed = 3 } }, MaxTokens = 40,
    };

    public static TheoryData<DeviceKind, KvFormat> Caches => new()
    {
        { DeviceKind.Cpu, KvFormat.F16 }, { DeviceKind.Cpu, KvFormat.F32 }, { DeviceKind.Cpu, KvFormat.Q8_0 },
        { DeviceKind.Vulkan, KvFormat.F16 }, { DeviceKind.Vulkan, KvFormat.F32 }, { DeviceKind.Vulkan, KvFormat.Q8_0 },
    };

    [Theory, MemberData(nameof(Caches))]
    public async Task ACharacterGoesOnWithoutComputingWhatIsSaved(DeviceKind device, KvFormat format)
    {
        byte[] bytes;
        string expected;
        using (MixtralModel model = Open(device, format))
        {
            using var character = new Character(model, s_sheet);
            foreach (string line in s_lines[..2]) Speak(character, line);
            bytes = (await character.SaveWithKeysAsync()).ToBytes();
            expected = Speak(character, s_lines[2]);
        }
        CharacterSave save = CharacterSave.Parse(bytes);
        Assert.InRange(save.KeptTokens, 2 * KvPages.PageTokens, 512);

        using MixtralModel loading = Open(device, format), replaying = Open(device, format);
        using Character loaded = new(loading, s_sheet), replayed = new(replaying, s_sheet);
        loaded.Load(save);
        replayed.Load(save with { Keys = null });
        Assert.Equal(expected, Speak(replayed, s_lines[2]));
        Assert.Equal(expected, Speak(loaded, s_lines[2]));
        Assert.Equal((save.KeptTokens, 0), (loaded.Latest!.Timings.ReusedTokens, replayed.Latest!.Timings.ReusedTokens));

        // Computed or loaded, every key and value is the same, and with them the logits of whatever follows.
        SavedKeys fromLoaded = await Export(loading, save.Keys!.Tokens), fromReplayed = await Export(replaying, save.Keys.Tokens);
        AssertSame(save.Keys, fromLoaded);
        AssertSame(save.Keys, fromReplayed);
    }

    [Theory, InlineData(DeviceKind.Cpu), InlineData(DeviceKind.Vulkan)]
    public async Task WhatIsLoadedIsWhatIsUsed(DeviceKind device)
    {
        CharacterSave save = await Made(device);
        byte[][] zeros = [.. save.Keys!.Pages.Select(page => new byte[page.Length])];
        using MixtralModel model = Open(device);
        using var character = new Character(model, s_sheet);
        character.Load(save with { Keys = save.Keys with { Pages = [.. zeros.Select(page => (ReadOnlyMemory<byte>)page)] } });
        Speak(character, s_lines[2]);
        SavedKeys exported = await Export(model, save.Keys.Tokens);
        Assert.Equal(zeros.Length, exported.Pages.Count);
        Assert.All(exported.Pages, page => Assert.False(page.Span.ContainsAnyExcept((byte)0)));
    }

    [Fact]
    public async Task KeysOfAnotherOriginAreComputedAgain()
    {
        CharacterSave save = await Made(DeviceKind.Cpu);
        KvOrigin origin = save.Keys!.Origin;
        using MixtralModel cpu = Open(DeviceKind.Cpu);
        string expected;
        using (var character = new Character(cpu, s_sheet))
        {
            character.Load(save with { Keys = null });
            expected = Speak(character, s_lines[2]);
        }
        foreach (KvOrigin other in new[]
        {
            origin with { Engine = "another" }, origin with { Device = "another" }, origin with { Driver = "another" },
            origin with { Orders = "another" }, origin with { Format = KvFormat.F32 },
        })
        {
            using MixtralModel fresh = Open(DeviceKind.Cpu);
            using var character = new Character(fresh, s_sheet);
            character.Load(save with { Keys = save.Keys with { Origin = other } });
            Assert.Equal(expected, Speak(character, s_lines[2]));
            Assert.Equal(0, character.Latest!.Timings.ReusedTokens);
        }
        using MixtralModel vulkan = Open(DeviceKind.Vulkan);
        using var elsewhere = new Character(vulkan, s_sheet);
        elsewhere.Load(save);
        Assert.NotEmpty(Speak(elsewhere, s_lines[2]));
        Assert.Equal(0, elsewhere.Latest!.Timings.ReusedTokens);
    }

    [Fact]
    public async Task DamagedPagesAndThoseOfAnotherModelAreRefused()
    {
        CharacterSave save = await Made(DeviceKind.Cpu);
        byte[] bytes = save.ToBytes();
        for (int at = bytes.Length - 33; at > 0; at -= bytes.Length / 50)
        {
            bytes[at] ^= 4;
            Assert.Throws<SaveGameException>(() => CharacterSave.Parse(bytes));
            bytes[at] ^= 4;
        }
        using MixtralModel model = Open(DeviceKind.Cpu);
        using var character = new Character(model, s_sheet);
        Assert.Throws<SaveGameException>(() => character.Load(save with { Model = new byte[32] }));
        character.Load(save with { Model = new byte[32] }, OtherModel.Replay);
        Assert.NotEmpty(Speak(character, s_lines[2]));
        Assert.Equal(0, character.Latest!.Timings.ReusedTokens);
    }

    /// <summary>A checksum keeps off accidents, and nobody who writes saves.</summary>
    [Fact]
    public async Task PagesThatCannotBeAreRefusedAndNothingChanges()
    {
        CharacterSave save = await Made(DeviceKind.Cpu);
        SavedKeys keys = save.Keys!;
        byte[] infinite = keys.Pages[1].ToArray();
        (infinite[100], infinite[101]) = (0, 0x7C);
        using MixtralModel model = Open(DeviceKind.Cpu);
        using var character = new Character(model, s_sheet);
        Speak(character, s_lines[0]);
        ChatMessage[] before = [.. character.History];
        Refuse(() => character.Load(save with { Keys = keys with { Pages = [keys.Pages[0], infinite, .. keys.Pages.Skip(2)] } }),
            "not finite");
        Refuse(() => character.Load(save with { Keys = keys with { Pages = [.. keys.Pages.Select(page => page[2..])] } }), "bytes");
        Refuse(() => character.Load(save with { Keys = keys with { Tokens = [-1, .. keys.Tokens[1..]] } }), "vocabulary");
        Refuse(() => CharacterSave.Parse((save with { Keys = keys with { Tokens = keys.Tokens[1..] } }).ToBytes()), "tokens");
        Refuse(() => CharacterSave.Parse((save with { Keys = keys with { Pages = [keys.Pages[0][1..], .. keys.Pages.Skip(1)] } })
            .ToBytes()), "sizes");
        Refuse(() => CharacterSave.Parse((save with { Keys = keys with { Origin = keys.Origin with { Format = (KvFormat)77 } } })
            .ToBytes()), "what computed them");
        Assert.Equal(before, character.History);

        static void Refuse(Action action, string why) =>
            Assert.Contains(why, Assert.Throws<SaveGameException>(action).Message, StringComparison.Ordinal);
    }

    private static async Task<CharacterSave> Made(DeviceKind device)
    {
        using MixtralModel model = Open(device);
        using var character = new Character(model, s_sheet);
        foreach (string line in s_lines[..2]) Speak(character, line);
        return await character.SaveWithKeysAsync();
    }

    private static Task<SavedKeys> Export(MixtralModel model, int[] tokens)
    {
        var export = new KvExport(model.ForwardPass, tokens, long.MaxValue);
        model.Scheduler.Add(export);
        return export.Keys;
    }

    private static void AssertSame(SavedKeys expected, SavedKeys actual)
    {
        Assert.Equal(expected.Origin, actual.Origin);
        Assert.Equal(expected.Tokens, actual.Tokens);
        for (int i = 0; i < expected.Pages.Count; i++) Assert.True(expected.Pages[i].Span.SequenceEqual(actual.Pages[i].Span), $"page {i}");
    }

    private static string Speak(Character character, string line) => string.Concat(character.Say(line));

    private static MixtralModel Open(DeviceKind device, KvFormat format = KvFormat.F16) =>
        MixtralModel.Load(ShippedModel.Path, new MixtralOptions
    {
        Device = device, CpuThreads = 2, ContextLength = 512, KvCacheTokens = 1024, ChunkTokens = 64, KvFormat = format,
    });
}
