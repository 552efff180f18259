using MixtralVk.Grammar;
using MixtralVk.SaveGames;
using MixtralVk.Sampling;
using MixtralVk.Scheduling;

namespace MixtralVk.Characters;

/// <summary>
/// A character of a game: speaks in its role, shows emotions and decides to act, in a form that is always complete or marked as
/// interrupted.
/// <code>
/// using Character mira = new(model, sheet);
/// mira.Say("What do you sell?").ReadInTick((_, piece) => bubble.Append(piece), reply => bubble.Close());
/// model.Tick(budget); // once per frame: speech and actions come here
/// </code>
/// One thread at a time, while a reply is read in ticks that which ticks; a new line interrupts the reply to the one before.
/// </summary>
public sealed class Character : IDisposable
{
    private readonly Chat _chat;
    private readonly ReplyForm _form;
    private ulong _seed;
    private CharacterReply? _latest;

    /// <summary>
    /// Brings a character into being. Throws <see cref="ArgumentException"/> for a sheet that is out of range,
    /// <see cref="Tokenization.ChatTemplateException"/> for a model without a known form of conversation, and
    /// <see cref="GrammarException"/> where <see cref="CharacterSheet.MaxTokens"/> cannot hold the shortest reply.
    /// </summary>
    public Character(MixtralModel model, CharacterSheet sheet)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sheet);
        sheet.Validate();
        Sheet = sheet;
        _seed = sheet.Voice.Sampling.Seed ?? (ulong)Random.Shared.NextInt64();
        _form = ReplyForm.Of(sheet);
        int shortest = _form.ShortestTokens(model.Tokenizer);
        if (shortest > sheet.MaxTokens)
            throw new GrammarException($"A reply of {sheet.Name} takes at least {shortest} tokens; its sheet allows {sheet.MaxTokens}.");
        _chat = model.StartChat(sheet.ToPrompt());
        BeginMemory();
    }

    private Character(Character other)
    {
        (Sheet, _seed, _form) = (other.Sheet, other._seed, other._form);
        _chat = other._chat.Fork();
        BeginMemory();
    }

    /// <summary>Who it is.</summary>
    public CharacterSheet Sheet { get; }

    /// <summary>The latest reply; null before the first line.</summary>
    public CharacterReply? Latest => _latest;

    /// <summary>What was said, replies in their JSON form, with what it has forgotten.</summary>
    public IEnumerable<ChatMessage> History => _chat.History;

    /// <summary>What is computed first when several characters have something to say.</summary>
    public Priority Priority
    {
        get => _chat.Priority;
        set => _chat.Priority = value;
    }

    /// <summary>The tokens the model saw and wrote last.</summary>
    internal ReadOnlySpan<int> Tokens => _chat.Session.Tokens;

    /// <summary>
    /// Says a line to the character; the reply begins when it is read for the first time. The line is remembered with what was read of the
    /// reply; where the character says nothing before it is interrupted, it never heard it.
    /// </summary>
    public CharacterReply Say(string line, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(line);
        Interrupt();
        // Of what it has heard alone: a line that it never heard changes no later reply.
        var random = new Pcg32(_seed, (ulong)_chat.Turns.Count);
        ulong seed = (ulong)random.NextUInt32() << 32 | random.NextUInt32();
        CancellationTokenSource? timeLimit = Sheet.MaxTime is null
            ? null : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeLimit?.CancelAfter(Sheet.MaxTime!.Value);
        return _latest =
            new CharacterReply(this, _chat.Ask(line, Sheet.Options(seed, _form), timeLimit?.Token ?? cancellationToken), timeLimit);
    }

    /// <summary>Ends the reply in progress, if any, at what was read of it: the player walked away.</summary>
    public void Interrupt() => _latest?.Interrupt();

    /// <summary>
    /// What is to be kept of the character; a reply in progress is not in it, so save between replies or interrupt first. Some kilobytes,
    /// and no weights are read but a sample of the model's file, once.
    /// </summary>
    public CharacterSave Save() => new()
    {
        Name = Sheet.Name, Model = ModelFingerprint.Of(_chat.Session.Model), Seed = _seed, Forgotten = _chat.ForgottenTurns,
        Turns = [.. _chat.Turns],
    };

    /// <summary>
    /// The same with keys and values of what the model last saw, in whole pages of 32 tokens and as far as they are in the KV cache:
    /// loading it computes only the rest, where the same device, driver and version of the library compute in the same order. Takes as much
    /// as they do in the cache (Mixtral 8x7B in 16 bits: 4 MiB a page), of 1 GiB at most. The task ends when they are read, between the
    /// steps of others, within what frames grant and not while the model is paused.
    /// </summary>
    public async Task<CharacterSave> SaveWithKeysAsync()
    {
        CharacterSave save = Save();
        var export = new KvExport(_chat.Session.Model.ForwardPass, Tokens.ToArray(), SaveFormat.MaxBytes - SaveFormat.MaxTextBytes);
        _chat.Session.Model.Scheduler.Add(export);
        return save with { Keys = await export.Keys.ConfigureAwait(false) };
    }

    /// <summary>
    /// Becomes what was saved: with the same model and sheet it goes on as if it had never stopped; the latest reply is interrupted. Its
    /// tokens are computed when it is spoken to, but for those whose keys and values are in the save and were computed as this model would:
    /// these are put into the KV cache by the model's thread. Throws <see cref="SaveGameException"/>, and nothing changes, for a save of
    /// another character or model.
    /// </summary>
    /// <param name="save">The save.</param>
    /// <param name="otherModel">What to do with a save of another model.</param>
    public void Load(CharacterSave save, OtherModel otherModel = OtherModel.Refuse)
    {
        ArgumentNullException.ThrowIfNull(save);
        if (save.Name != Sheet.Name) throw new SaveGameException($"This is a save of {save.Name}, not of {Sheet.Name}.");
        bool same = save.Model.AsSpan().SequenceEqual(ModelFingerprint.Of(_chat.Session.Model));
        if (!same && otherModel == OtherModel.Refuse)
            throw new SaveGameException(
                $"The save of {save.Name} was made with another model; load it with OtherModel.Replay to go on from its text.");
        MixtralModel model = _chat.Session.Model;
        if (same) save.Keys?.Check(model.Config, model.ForwardPass.KvFormat);
        try
        {
            _chat.Restore(save.Turns, save.Forgotten, asText: !same);
        }
        catch (Model.TokenRangeException e)
        {
            throw new SaveGameException($"The save of {save.Name} is not what it should be: {e.Message}", e);
        }
        Interrupt(); // a reply that was not begun, too: else it would begin in what was loaded
        (_seed, _latest) = (save.Seed, null);
        if (same && save.Keys is not null) model.Scheduler.Add(new KvImport(model.ForwardPass, save.Keys));
    }

    /// <summary>
    /// A character that goes on from here on its own, without the reply in progress: what it says to one player stays unknown to the next,
    /// or a line can be tried and dropped. To the same lines both say the same. What is computed is shared (<see cref="Session.Fork"/>).
    /// </summary>
    public Character Fork() => new(this);

    /// <summary>Frees its part of the KV cache. A reply in progress is interrupted.</summary>
    public void Dispose()
    {
        _chat.Dispose();
        Interrupt();
    }

    /// <summary>Has the next tick do what a complete reply says.</summary>
    internal void Decide(CharacterAnswer answer)
    {
        if (Sheet.Actions?.Find(answer.Action) is { } action)
            _chat.Session.Model.TickReaders.Add(new DecidedAction(action, this, answer.Target));
    }

    private void BeginMemory()
    {
        _chat.MostTurns = Sheet.RememberedExchanges;
        _chat.RememberInterrupted = Remembered;
    }

    /// <summary>What is remembered of a reply that is not complete; null when nothing was said.</summary>
    private string? Remembered(string json)
    {
        string said = new AnswerDecoder(json.Length).Append(json);
        return said.Length == 0 ? null : CharacterAnswer.Interrupted(said, Sheet.Voice.Emotions[0]);
    }
}
