using System.Text.Json;
using MixtralVk.Characters;
using MixtralVk.Grammar;

namespace MixtralVk.Tests.Characters;

/// <summary>Characters of the shipped model on the CPU.</summary>
[Collection(nameof(LoadedModel))]
public sealed class CharacterTests(LoadedModel loaded)
{
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0 };

    private static readonly CharacterSheet s_brannor = new()
    {
        Name = "Brannor", Persona = "You are Brannor, a gruff blacksmith from Oakhaven. You love honey cake. You are afraid of wolves. You heard that wolves were seen near the north gate.",
        Voice = new() { Sampling = s_greedy }, DescribesActions = false,
    };

    private enum Ware
    {
        RedLoaf,
        HoneyCake,
    }

    [Fact]
    public void ARepliesSpeechIsStreamedAndItsAnswerParsed()
    {
        using var brannor = new Character(loaded.Model, s_brannor);
        CharacterReply reply = brannor.Say("Any rumours?");
        string[] pieces = [.. reply];
        Assert.True(pieces.Length > 2);
        Assert.NotNull(reply.Answer);
        Assert.Equal(reply.Answer.Say, string.Concat(pieces));
        Assert.Equal(reply.Answer.Say, reply.Speech);
        Assert.Contains(reply.Answer.Emotion, s_brannor.Voice.Emotions);
        Assert.Equal(CharacterActions.None, reply.Answer.Action); // it has no others
        Assert.False(reply.IsInterrupted);
        Assert.Contains("wolves", reply.Speech, StringComparison.Ordinal);
    }

    [Fact]
    public void ActionsAreTypedAndRunWhereTheGameSays()
    {
        var done = new List<string>();
        int thread = 0;
        CharacterActions actions = new CharacterActions()
            .Add("give_item", "gives the player a ware", (Character who, Ware ware) => Note($"{who.Sheet.Name} gives {ware}"))
            .Add("point_to", "shows the way", new Dictionary<string, int> { ["mill"] = 1, ["gate"] = 2 }, (who, place) => Note($"points to {place}"))
            .Add("greet", "greets someone", (who, target) => Note($"greets {target.Length}"))
            .Add("leave", "goes home", who => Note("leaves"));
        // It may not name "none", so that it always does something; at a high temperature one thing or another.
        var voice = new CharacterVoice { Sampling = new() { Temperature = 3, Seed = 4 } };
        using var brannor = new Character(loaded.Model, s_brannor with { Actions = actions, Voice = voice, BannedTopics = ["none"], RememberedExchanges = 0 });
        var expected = new List<string>();
        for (int i = 0; i < 25; i++)
        {
            CharacterReply reply = brannor.Say("Do something.");
            foreach (string _ in reply) { }
            CharacterAnswer answer = reply.Answer!;
            expected.AddRange(answer.Action switch
            {
                "give_item" => [$"Brannor gives {Enum.Parse<Ware>(answer.Target)}"],
                "point_to" => [$"points to {(answer.Target == "mill" ? 1 : 2)}"],
                "greet" => [$"greets {answer.Target.Length}"],
                "leave" => ["leaves"],
                _ => (string[])[],
            });
            Assert.True(answer.Target.Length == 0 || answer.Action != "leave");
        }
        Assert.Empty(done);
        Assert.Equal(expected.Count, actions.RunPending());
        Assert.Equal(expected, done);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        Assert.True(expected.Distinct().Count() > 3);
        Assert.Equal(0, actions.RunPending());

        void Note(string text)
        {
            done.Add(text);
            thread = Environment.CurrentManagedThreadId;
        }
    }

    [Fact]
    public void AnInterruptedReplyIsRememberedAsSaidAndNeverParsed()
    {
        CharacterActions actions = new CharacterActions().Add("open_shop", "shows the wares", _ => { });
        using var brannor = new Character(loaded.Model, s_brannor with { Actions = actions });
        CharacterReply reply = brannor.Say("Any rumours?");
        while (reply.Speech.Length < 8) reply.TryRead(out _);
        string said = reply.Speech;
        brannor.Interrupt();
        Assert.False(reply.TryRead(out _));
        Assert.True(reply.IsInterrupted);
        Assert.Null(reply.Answer);
        ChatMessage last = brannor.History.Last();
        using JsonDocument remembered = JsonDocument.Parse(last.Text);
        Assert.Equal(said, remembered.RootElement.GetProperty("say").GetString());
        Assert.Equal(0, actions.RunPending());

        // One of which nothing was heard never was.
        brannor.Say("And you?").Interrupt();
        Assert.Equal(2, brannor.History.Count());
        foreach (string _ in brannor.Say("Who are you?")) { }
        Assert.Equal(4, brannor.History.Count());
    }

    [Fact]
    public void AReplyEndsAtItsTimeLimit()
    {
        using var brannor = new Character(loaded.Model, s_brannor with { MaxTime = TimeSpan.FromTicks(1) });
        CharacterReply reply = brannor.Say("Any rumours?");
        while (!reply.IsFinished) reply.TryRead(out _);
        Assert.True(reply.IsInterrupted);
    }

    [Fact]
    public void BannedTopicsAreNeverNamed()
    {
        using var free = new Character(loaded.Model, s_brannor);
        using var banned = new Character(loaded.Model, s_brannor with { BannedTopics = ["Wolves", "wolf", "gate"] });
        Assert.Contains("wolves", string.Concat(free.Say("Any rumours?")), StringComparison.Ordinal);
        string said = string.Concat(banned.Say("Any rumours?"));
        Assert.NotEmpty(said);
        Assert.All(banned.Sheet.BannedTopics, topic => Assert.DoesNotContain(topic, said, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void ThePromptTellsWhatTheSheetSays()
    {
        CharacterSheet sheet = s_brannor with
        {
            Guard = CharacterSheet.UsualGuard, Lore = "The kingdom is at war.", BannedTopics = ["the king"], DescribesActions = true, Voice = new() { Style = "in short sentences", Emotions = ["calm", "angry"] },
            Actions = new CharacterActions().Add("give_item", "gives a ware", (Character _, Ware _) => { }).Add("leave", "goes home", _ => { }),
        };
        string prompt = sheet.ToPrompt();
        Assert.StartsWith(CharacterSheet.UsualGuard + " The kingdom is at war. You are Brannor", prompt, StringComparison.Ordinal);
        Assert.Contains("in short sentences", prompt, StringComparison.Ordinal);
        Assert.Contains("never talk about the king", prompt, StringComparison.Ordinal);
        Assert.Contains("give_item (gives a ware; target: RedLoaf, HoneyCake); leave (goes home).", prompt, StringComparison.Ordinal);
        Assert.Contains("calm, angry", prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void TheSamePlayIsTheSameWithASeed()
    {
        CharacterSheet sheet = s_brannor with { Voice = new() { Sampling = new() { Temperature = 1.5f, Seed = 5 } } };
        string[] Play()
        {
            using var brannor = new Character(loaded.Model, sheet);
            return [.. new[] { "Hello!", "Hello!", "Who are you?" }.Select(line => string.Concat(brannor.Say(line)))];
        }
        string[] first = Play();
        Assert.Equal(first, Play());
        Assert.Equal(3, first.Distinct().Count());
    }

    [Fact]
    public void MemoryHasItsMeasure()
    {
        using var brannor = new Character(loaded.Model, s_brannor with { RememberedExchanges = 1 });
        foreach (string line in new[] { "Hello!", "Who are you?", "What do you sell?" }) foreach (string _ in brannor.Say(line)) { }
        string seen = loaded.Model.Tokenizer.Decode(brannor.Tokens);
        Assert.DoesNotContain("Hello!", seen, StringComparison.Ordinal);
        Assert.Contains("Who are you?", seen, StringComparison.Ordinal);
    }

    [Fact]
    public void BadSheetsAreRefused()
    {
        CharacterSheet[] bad =
        [
            s_brannor with { Name = " " }, s_brannor with { MaxTokens = 0 }, s_brannor with { MaxTime = TimeSpan.Zero }, s_brannor with { RememberedExchanges = -1 },
            s_brannor with { BannedTopics = [""] }, s_brannor with { Voice = new() { Emotions = [] } }, s_brannor with { Voice = new() { Sampling = new() { TopP = 2 } } },
        ];
        Assert.All(bad, sheet => Assert.ThrowsAny<ArgumentException>(() => new Character(loaded.Model, sheet)));
        Assert.Throws<GrammarException>(() => new Character(loaded.Model, s_brannor with { MaxTokens = 5 }));
        var actions = new CharacterActions().Add("wave", "waves", _ => { });
        Assert.Throws<ArgumentException>(() => actions.Add("wave", "waves", _ => { }));
        Assert.Throws<ArgumentException>(() => actions.Add("none", "nothing", _ => { }));
        Assert.Throws<ArgumentException>(() => actions.Add("give", "gives", new Dictionary<string, int>(), (_, _) => { }));
    }
}
