using MixtralVk;

namespace TavernGame;

/// <summary>Somebody in the tavern who always has something to say. What they say comes in the game's tick.</summary>
internal sealed class Guest : IDisposable
{
    private static readonly string[] s_questions =
        ["Hello, who are you?", "What do you do here?", "Where do you live?", "What did you see on the road?", "Do you know the smith?", "What would you like to drink?", "Tell me a story."];

    private readonly Chat _chat;
    private readonly char[] _line = new char[400];
    private readonly Action<Reply, string> _onText;
    private readonly Action<Reply> _onEnd;
    private Reply? _reply;
    private int _length, _asked;

    public Guest(MixtralModel model, string name, string persona)
    {
        Name = name;
        _chat = model.StartChat(persona, new GenerationOptions { Temperature = 0.9f, MaxTokens = 48, Seed = (ulong)name[0] });
        // Made once: a tick that reads an answer allocates nothing.
        (_onText, _onEnd) = (Hear, End);
    }

    public string Name { get; }

    public string Question { get; private set; } = "";

    /// <summary>What they have said of the present answer.</summary>
    public ReadOnlySpan<char> Line => _line.AsSpan(0, _length);

    /// <summary>Tokens in all, and answers.</summary>
    public long Tokens { get; private set; }

    public int Answers { get; private set; }

    public bool IsSilent => _reply is null;

    /// <summary>Whom the player looks at speaks first.</summary>
    public bool IsLookedAt
    {
        get => _chat.Priority == Priority.Focus;
        set => _chat.Priority = value ? Priority.Focus : Priority.Normal;
    }

    public void Ask()
    {
        Question = s_questions[_asked++ % s_questions.Length];
        _length = 0;
        _reply = _chat.Ask(Question);
        _reply.ReadInTick(_onText, _onEnd);
    }

    public void Dispose() => _chat.Dispose();

    private void Hear(Reply reply, string piece)
    {
        if (_length + piece.Length <= _line.Length) piece.CopyTo(_line.AsSpan(_length));
        _length = Math.Min(_line.Length, _length + piece.Length);
    }

    private void End(Reply reply)
    {
        if (reply.Problem is not null) throw reply.Problem;
        Tokens += reply.Tokens.Count;
        Answers++;
        _reply = null;
    }
}
