using MixtralVk.Tokenization;

namespace MixtralVk.SaveGames;

/// <summary>
/// A character's state as it can be kept in a file: what was said, as text and as tokens, what of it is forgotten, the seed of its random
/// numbers, and the model it belongs to. The sheet (who it is, what it may do) is the game's and not in it, but for the name. Immutable.
/// </summary>
public sealed record CharacterSave
{
    internal CharacterSave()
    {
    }

    /// <summary>The character's name.</summary>
    public string Name { get; internal init; } = "";

    /// <summary>Fingerprint of the model, 32 bytes.</summary>
    internal byte[] Model { get; init; } = [];

    /// <summary>Seed of the character's random numbers: with the number of exchanges, their state.</summary>
    internal ulong Seed { get; init; }

    /// <summary>How many of the oldest exchanges are forgotten.</summary>
    internal int Forgotten { get; init; }

    /// <summary>What was said.</summary>
    internal IReadOnlyList<ChatTurn> Turns { get; init; } = [];

    /// <summary>Keys and values of the beginning of what the model last saw; null where none are kept.</summary>
    internal SavedKeys? Keys { get; init; }

    /// <summary>Tokens whose keys and values are in it (<see cref="Characters.Character.SaveWithKeysAsync"/>).</summary>
    public int KeptTokens => Keys?.Tokens.Length ?? 0;

    /// <summary>Exchanges in it.</summary>
    public int Exchanges => Turns.Count;

    /// <summary>What was said: questions and answers in turn.</summary>
    public IEnumerable<ChatMessage> History => Turns.SelectMany(turn => turn.Messages);

    /// <summary>
    /// A save of a conversation that a program has as text. Throws <see cref="ArgumentException"/> unless questions and answers take turns,
    /// the last an answer, and <see cref="ChatTemplateException"/> for a model whose form of conversation is not known.
    /// </summary>
    /// <param name="model">The model that answered.</param>
    /// <param name="name">Whose conversation it is.</param>
    /// <param name="history">Questions and answers.</param>
    public static CharacterSave Of(MixtralModel model, string name, IReadOnlyList<ChatMessage> history)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(history);
        if (history.Count % 2 != 0
            || history.Where((message, i) => message.Role != (i % 2 == 0 ? ChatRole.User : ChatRole.Assistant)).Any())
            throw new ArgumentException("Questions and answers must take turns, and the last must be an answer.", nameof(history));
        ChatTemplate template = model.RequireChatTemplate();
        return new CharacterSave { Name = name, Model = ModelFingerprint.Of(model),
            Turns = [.. history.Chunk(2).Select(pair => Turn(template, pair[0].Text, pair[1].Text))] };
    }

    /// <summary>
    /// Writes it into a file that appears under its name only when it is whole and on the disk (<see cref="AtomicFile"/>): what was there
    /// before stays until then, whatever happens. Throws <see cref="IOException"/>, for a full disk too.
    /// </summary>
    public void Write(string path) => AtomicFile.Write(path, ToBytes());

    /// <summary>
    /// Reads a save and checks all of it. Throws <see cref="SaveGameException"/> for a damaged one and <see cref="IOException"/> where
    /// there is none, or none that may be read.
    /// </summary>
    public static CharacterSave Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (new FileInfo(path) is { Exists: true, Length: > SaveFormat.MaxBytes } file)
            throw new SaveGameException($"{path} has {file.Length} bytes, too many for a save.");
        try
        {
            return Parse(File.ReadAllBytes(path));
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The save as bytes, for games that keep saves in files of their own.</summary>
    public byte[] ToBytes() => SaveFormat.Write(this);

    /// <summary>Reads a save from bytes and checks all of it. Throws <see cref="SaveGameException"/>.</summary>
    public static CharacterSave Parse(ReadOnlyMemory<byte> bytes) => SaveFormat.Read(bytes);

    private static ChatTurn Turn(ChatTemplate template, string question, string answer)
    {
        var tokens = new List<int>();
        template.AppendAnswer(tokens, answer);
        return new ChatTurn(question, answer, tokens);
    }
}
