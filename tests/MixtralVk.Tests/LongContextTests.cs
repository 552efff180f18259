using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using MixtralVk.Characters;
using MixtralVk.Model;
using MixtralVk.SaveGames;
using MixtralVk.Testing.Gguf;
using Xunit.Abstractions;

namespace MixtralVk.Tests;

/// <summary>
/// A context of MIXTRALVK_CONTEXT tokens (2048): the shipped model, whose header is made to tell of so many. What it says there is nothing
/// to read, but repeatable.
/// </summary>
public sealed class LongContextTests(ITestOutputHelper output)
{
    private static readonly int s_context =
        int.Parse(Environment.GetEnvironmentVariable("MIXTRALVK_CONTEXT") ?? "2048", CultureInfo.InvariantCulture);

    private static readonly CharacterSheet s_mira = new()
    {
        Name = "Mira", Persona = "You are Mira, a kind baker from Oakvale. You sell bread for 3 gold.",
        DescribesActions = false, MaxTokens = 40,
        Voice = new() { Sampling = new() { Seed = 3 } },
    };

    [Fact]
    public void A_conversation_fills_it_forgets_and_goes_on_from_a_save_alike()
    {
        using TemporaryFile file = ModelOfThatContext();
        using MixtralModel model = MixtralModel.Load(file.Path,
            new MixtralOptions { Device = DeviceKind.Cpu, ContextLength = s_context, KvCacheTokens = 2 * s_context });
        Assert.Equal(s_context, model.ContextLength);
        using Character mira = new(model, s_mira), loaded = new(model, s_mira);
        string words = string.Concat(Enumerable.Repeat("the old mill ", s_context / 12 / 3));

        int longest = 0;
        for (int i = 0; mira.Save().Forgotten == 0; i++)
        {
            Say(mira, $"{i} {words}");
            GenerationTimings timings = mira.Latest!.Timings;
            longest = Math.Max(longest, timings.ReusedTokens + timings.PromptTokens + timings.GeneratedTokens);
        }
        Assert.InRange(longest, s_context * 2 / 3, s_context);

        CharacterSave save = CharacterSave.Parse(mira.Save().ToBytes());
        output.WriteLine($"{save.Exchanges} exchanges, {save.Forgotten} forgotten, save of {save.ToBytes().Length} bytes");
        loaded.Load(save);
        foreach (string line in (string[])["What do you sell?", words]) Assert.Equal(Say(mira, line), Say(loaded, line));

        var refused = Assert.Throws<ContextOverflowException>(() => Say(mira, string.Concat(Enumerable.Repeat(words, 13))));
        Assert.Equal(s_context, refused.Available);
        Assert.Equal(Say(loaded, "Farewell."), Say(mira, "Farewell.")); // as if that line had not been
    }

    private string Say(Character who, string line)
    {
        long start = Stopwatch.GetTimestamp();
        string speech = string.Concat(who.Say(line));
        GenerationTimings timings = who.Latest!.Timings;
        output.WriteLine(
            $"{timings.ReusedTokens} tokens there, {timings.PromptTokens} computed, {timings.GeneratedTokens} generated in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s");
        return speech;
    }

    private static TemporaryFile ModelOfThatContext()
    {
        byte[] bytes = File.ReadAllBytes(ShippedModel.Path);
        ReadOnlySpan<byte> key = "llama.context_length"u8;
        int type = bytes.AsSpan().IndexOf(key) + key.Length;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(type + sizeof(int)), s_context);
        return TemporaryFile.With(bytes);
    }
}
