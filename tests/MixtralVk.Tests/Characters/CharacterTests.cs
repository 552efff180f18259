using System.Text.Json;
using MixtralVk.Characters;
using MixtralVk.Grammar;
using MixtralVk.Model;
using MixtralVk.Tests.Grammar;

namespace MixtralVk.Tests.Characters;

/// <summary>Characters of the shipped model on the CPU.</summary>
[Collection(nameof(LoadedModel))]
public sealed class CharacterTests(LoadedModel loaded)
{
    private static readonly GenerationOptions s_greedy = new() { Temperature = 0 };

    private static readonly CharacterSheet s_brannor = new()
    {
        Name = "Brannor", Persona =
            "You are Brannor, a gruff blacksmith from Oakhaven. You love honey cake. You are afraid of wolves. You heard that wolves were seen near the north gate.",
        Voice = new() { Sampling = s_greedy }, DescribesActions = false,
    };

    /// <summary>It may not name "none", so that it always does something, and draws at a high temperature.</summary>
    private static readonly CharacterSheet s_lively =
        s_brannor with { Voice = new() { Sampling = new() { Temperature = 3, Seed = 4 } }, BannedTopics = ["none"],
        RememberedExchanges = 0 };

    private enum Ware
    {
        RedLoaf,
        HoneyCake,
    }

    [Fact]
    public void ARepliesSpeechIsStreamedAndItsAnswerParsed()
    {
        using var brannor = new Character(loaded.Model, s_brannor);
        CharacterReply reply = brannor.Say("Who are you?");
        string[] pieces = [.. reply];
        Assert.True(pieces.Length > 2);
        Assert.NotNull(reply.Answer);
        Assert.Equal(reply.Answer.Say, string.Concat(pieces));
        Assert.Equal(reply.Answer.Say, reply.Speech);
        Assert.Contains(reply.Answer.Emotion, s_brannor.Voice.Emotions);
        Assert.Equal(CharacterActions.None, reply.Answer.Action); // it has no others
        Assert.False(reply.IsInterrupted);
    }

    [Fact]
    public void ActionsAreTypedAndCalledInTheTick()
    {
        var done = new List<string>();
        int thread = 0;
        CharacterActions actions = new CharacterActions()
            .Add("give_item", "gives the player a ware", (Character who, Ware ware) => Note($"{who.Sheet.Name} gives {ware}"))
            .Add("point_to", "shows the way", new Dictionary<string, int> { ["mill"] = 1, ["gate"] = 2 },
            (who, place) => Note($"points to {place}"))
            .Add("greet", "greets someone", (who, target) => Note($"greets {target.Length}"))
            .Add("leave", "goes home", who => Note("leaves"));
        // It may not name "none", so that it always does something; at a high temperature one thing or another.
        var voice = new CharacterVoice { Sampling = new() { Temperature = 3, Seed = 4 } };
        using var brannor = new Character(loaded.Model,
            s_brannor with { Actions = actions, Voice = voice, BannedTopics = ["none"], RememberedExchanges = 0 });
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
                _ => (string[])["leaves"],
            });
            Assert.True(answer.Target.Length == 0 || answer.Action != "leave");
        }
        Assert.Empty(done);
        loaded.Model.Tick(FrameBudget.Unlimited);
        Assert.Equal(expected, done);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        Assert.Equal(25, expected.Count);
        Assert.True(expected.Distinct().Count() > 3);
        loaded.Model.Tick(FrameBudget.Unlimited);
        Assert.Equal(expected.Count, done.Count);

        void Note(string text)
        {
            done.Add(text);
            thread = Environment.CurrentManagedThreadId;
        }
    }

    [Fact]
    public void ATickHandsOverSpeechThenTheEndThenTheAction()
    {
        var events = new List<string>();
        CharacterActions actions = new CharacterActions().Add("wave", "waves", who => events.Add($"{who.Sheet.Name} waves"));
        using var brannor = new Character(loaded.Model, s_lively with { Actions = actions });
        int ticker = Environment.CurrentManagedThreadId;
        CharacterReply reply = brannor.Say("Do something.");
        reply.ReadInTick(
            (who, piece) =>
            {
                Assert.Same(reply, who);
                Assert.Equal(ticker, Environment.CurrentManagedThreadId);
                events.Add(piece);
            },
            who => events.Add(who.Answer is null ? "interrupted" : "end"));
        Tick(reply);
        Assert.Equal(reply.Answer!.Say, string.Concat(events.SkipLast(2)));
        Assert.Equal(["end", "Brannor waves"], events.TakeLast(2));
        Assert.True(reply.TokenCount > 0 && reply.Timings.PromptTokens > 0);
    }

    [Fact]
    public void ThePlayerWalksAwayFromAReplyReadInTicks()
    {
        int ends = 0;
        CharacterActions actions = new CharacterActions().Add("wave", "waves", _ => Assert.Fail("an interrupted reply does nothing"));
        using var brannor = new Character(loaded.Model, s_brannor with { Actions = actions, BannedTopics = ["none"] });
        CharacterReply reply = brannor.Say("Any rumours?");
        reply.ReadInTick((_, _) => brannor.Interrupt(), _ => ends++); // at the first word
        Tick(reply);
        Assert.True(reply.IsInterrupted);
        Assert.Equal(1, ends);
        using JsonDocument remembered = JsonDocument.Parse(brannor.History.Last().Text);
        Assert.Equal(reply.Speech, remembered.RootElement.GetProperty("say").GetString());

        // Before the first word, by the next line, and by a character that goes.
        CharacterReply[] replies = [brannor.Say("And you?"), brannor.Say("Hello?"), brannor.Say("Well?")];
        foreach (CharacterReply left in replies)
        {
            left.ReadInTick((_, _) => Assert.Fail("nothing was said"),
                who => ends += who is { IsInterrupted: true, Problem: null } ? 1 : 100);
            left.Interrupt();
        }
        brannor.Say("Still there?")
            .ReadInTick((_, _) => Assert.Fail("nothing was said"), who => ends += who is { IsInterrupted: true, Problem: null } ? 1 : 100);
        brannor.Dispose();
        loaded.Model.Tick(FrameBudget.Unlimited);
        loaded.Model.Tick(FrameBudget.Unlimited);
        Assert.Equal(5, ends);
        Assert.Equal(2, brannor.History.Count());
    }

    [Fact]
    public void AnActionThatThrowsIsDoneAndHoldsUpNoOther()
    {
        var done = new List<string>();
        CharacterActions actions = new CharacterActions().Add("wave", "waves", who =>
        {
            done.Add(who.Sheet.Name);
            if (done.Count == 1) throw new NotSupportedException("no arms");
        });
        string[] names = ["Brannor", "Hugo"];
        foreach (string name in names)
        {
            using var who = new Character(loaded.Model, s_lively with { Name = name, Actions = actions });
            foreach (string _ in who.Say("Do something.")) { }
        }
        Assert.Throws<NotSupportedException>(() => loaded.Model.Tick(FrameBudget.Unlimited));
        for (int i = 0; i < 3; i++) loaded.Model.Tick(FrameBudget.Unlimited);
        Assert.Equal(names, done);
    }

    [Fact]
    public void AnInterruptedReplyIsRememberedAsSaidAndNeverParsed()
    {
        CharacterActions actions =
            new CharacterActions().Add("open_shop", "shows the wares", _ => Assert.Fail("an interrupted reply does nothing"));
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
        loaded.Model.Tick(FrameBudget.Unlimited);

        string odd = CharacterAnswer.Interrupted("a\"\n\ud83d\ude00\u2028\u007f\u00e9", "neutral");
        Assert.True(RandomText.Allows(ReplyForm.Of(s_brannor).Constraint, odd), odd); // in the form of the others

        // One of which nothing was heard never was.
        brannor.Say("And you?").Interrupt();
        Assert.Equal(2, brannor.History.Count());
        foreach (string _ in brannor.Say("Who are you?")) { }
        Assert.Equal(4, brannor.History.Count());
    }

    [Fact]
    public void AReplyEndsAtItsTimeLimit()
    {
        // A model that takes its time: the whole reply would take a quarter of a minute.
        var slow = new CharacterVoice { Sampling = s_greedy with { Adjust = (_, _) => Thread.Sleep(500) } };
        using var brannor = new Character(loaded.Model, s_brannor with { MaxTime = TimeSpan.FromMilliseconds(1), Voice = slow });
        CharacterReply reply = brannor.Say("Any rumours?");
        while (!reply.IsFinished) reply.TryRead(out _);
        Assert.True(reply.IsInterrupted);
    }

    [Fact]
    public void BannedTopicsAreNeverNamed()
    {
        using var free = new Character(loaded.Model, s_brannor);
        string[] words = [.. string.Concat(free.Say("Any rumours?")).Split([' ', ',', '.', '!', '?'], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.Length > 3)];
        Assert.NotEmpty(words);
        using var banned =
            new Character(loaded.Model, s_brannor with { BannedTopics = [.. words.Select(word => word.ToUpperInvariant())] });
        string said = string.Concat(banned.Say("Any rumours?"));
        Assert.NotEmpty(said);
        Assert.All(banned.Sheet.BannedTopics, topic => Assert.DoesNotContain(topic, said, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void CharactersWhoseRepliesLookTheSameShareTheForm()
    {
        CharacterSheet sheet =
            s_brannor with { BannedTopics = ["the king"], Actions = new CharacterActions().Add("leave", "goes home", _ => { }) };
        ReplyForm form = ReplyForm.Of(sheet);
        Assert.Same(form, ReplyForm.Of(sheet with { Name = "Mira", Persona = "You are Mira.", BannedTopics = ["the king"],
            Actions = new CharacterActions().Add("leave", "walks off", _ => { }) }));
        CharacterSheet[] others =
            [sheet with { BannedTopics = [] }, sheet with { Actions = null }, sheet with { Voice = new() { Emotions = ["calm"] } }];
        Assert.All(others, other => Assert.NotSame(form, ReplyForm.Of(other)));
    }

    [Fact]
    public void ThePromptTellsWhatTheSheetSays()
    {
        CharacterSheet sheet = s_brannor with
        {
            Guard = CharacterSheet.UsualGuard, Lore = "The kingdom is at war.", BannedTopics = ["the king"], DescribesActions = true,
            Voice = new() { Style = "in short sentences", Emotions = ["calm", "angry"] },
            Actions = new CharacterActions().Add("give_item", "gives a ware", (Character _, Ware _) => { })
                .Add("leave", "goes home", _ => { }),
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
        string[] first = Play(seed: 5);
        Assert.Equal(first, Play(seed: 5));
        Assert.NotEqual(first, Play(seed: 6));
        Assert.True(first.Distinct().Count() > 1); // each reply draws anew

        string[] Play(ulong seed)
        {
            using var brannor =
                new Character(loaded.Model, s_brannor with { Voice = new() { Sampling = new() { Temperature = 3, Seed = seed } } });
            return [.. Enumerable.Repeat("Hello!", 4).Select(line => string.Concat(brannor.Say(line)))];
        }
    }

    /// <summary>
    /// Replies depend on the seed and on what was heard: not on lines that were refused, or dropped before anything was said to them.
    /// </summary>
    [Fact]
    public void ALineThatWasNeverHeardChangesNoLaterReply()
    {
        string[] Play(Action<Character> between)
        {
            using var brannor =
                new Character(loaded.Model, s_brannor with { Voice = new() { Sampling = new() { Temperature = 3, Seed = 5 } } });
            return [.. Enumerable.Repeat("Hello!", 3).Select(line =>
            {
                between(brannor);
                return string.Concat(brannor.Say(line));
            })];
        }
        Assert.Equal(Play(_ => { }), Play(brannor =>
        {
            brannor.Say("Are you there?"); // nobody reads the reply
            brannor.Say("And now?").Interrupt();
            Assert.Throws<ContextOverflowException>(() => string.Concat(brannor.Say(new string('x', 5000))));
        }));
    }

    [Fact]
    public void AForkGoesOnAloneFromWhatBothHaveSaid()
    {
        using var brannor = new Character(loaded.Model,
            s_brannor with { Voice = new() { Sampling = new() { Temperature = 3, Seed = 4 } }, RememberedExchanges = 2 });
        foreach (string _ in brannor.Say("Hello!")) { }
        CharacterReply inProgress = brannor.Say("Who are you?");
        while (inProgress.Speech.Length < 3) inProgress.TryRead(out _);
        using Character fork = brannor.Fork();
        Assert.Equal(2, fork.History.Count()); // without the reply in progress
        foreach (string line in new[] { "What do you sell?", "Any rumours?" }) foreach (string _ in fork.Say(line)) { }
        Assert.False(inProgress.IsFinished);
        foreach (string _ in inProgress) { }
        Assert.Equal(["Hello!", "Who are you?"], Lines(brannor));
        Assert.Equal(["Hello!", "What do you sell?", "Any rumours?"], Lines(fork));

        using Character one = fork.Fork(), other = fork.Fork();
        Assert.Equal(string.Concat(one.Say("And?")), string.Concat(other.Say("And?")));
        string seen = loaded.Model.Tokenizer.Decode(one.Tokens); // it has the memory of its sheet, too
        Assert.DoesNotContain("Hello!", seen, StringComparison.Ordinal);
        Assert.Contains("What do you sell?", seen, StringComparison.Ordinal);

        static IEnumerable<string> Lines(Character who) =>
            who.History.Where(message => message.Role == ChatRole.User).Select(message => message.Text);
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
            s_brannor with { Name = " " }, s_brannor with { MaxTokens = 0 }, s_brannor with { MaxTime = TimeSpan.Zero },
            s_brannor with { MaxTime = TimeSpan.FromDays(2) }, s_brannor with { RememberedExchanges = -1 },
            s_brannor with { BannedTopics = [""] }, s_brannor with { BannedTopics = null! },
            s_brannor with { BannedTopics = [new string('q', 20_000)] },
            s_brannor with { Voice = new() { Emotions = null! } }, s_brannor with { Voice = new() { Sampling = null! } },
            s_brannor with { Voice = new() { Emotions = [] } }, s_brannor with { Voice = new() { Sampling = new() { TopP = 2 } } },
        ];
        Assert.All(bad, sheet => Assert.ThrowsAny<ArgumentException>(() => new Character(loaded.Model, sheet)));
        Assert.Equal("BannedTopics", Assert.ThrowsAny<ArgumentException>(bad[7].Validate).ParamName);
        Assert.Throws<GrammarException>(() => new Character(loaded.Model, s_brannor with { MaxTokens = 5 }));
        var actions = new CharacterActions().Add("wave", "waves", _ => { });
        Assert.Throws<ArgumentException>(() => actions.Add("wave", "waves", _ => { }));
        Assert.Throws<ArgumentException>(() => actions.Add("none", "nothing", _ => { }));
        Assert.Throws<ArgumentException>(() => actions.Add("give", "gives", new Dictionary<string, int>(), (_, _) => { }));
    }

    private void Tick(CharacterReply reply)
    {
        for (; !reply.IsFinished; Thread.Sleep(1)) loaded.Model.Tick(FrameBudget.Unlimited);
    }
}
