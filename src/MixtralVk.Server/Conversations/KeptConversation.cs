using MixtralVk.SaveGames;
using MixtralVk.Server.Api;

namespace MixtralVk.Server.Conversations;

/// <summary>A kept conversation that a request goes on with; nobody else can until it is disposed.</summary>
internal sealed class KeptConversation(ConversationStore store, string file, string name, MixtralModel model) : IDisposable
{
    private readonly Lock _gate = new();
    private bool _isAbandoned;

    /// <summary>Questions and answers before the request.</summary>
    public IReadOnlyList<ChatMessage> Said { get; set; } = [];

    /// <summary>
    /// The conversation that the model is to answer: what was said before, without its oldest part where that does not fit, and what is
    /// asked now.
    /// </summary>
    public IReadOnlyList<ChatMessage> Before(IReadOnlyList<ChatMessage> asked, ServerOptions server)
    {
        string system = asked[0].Role == ChatRole.System ? asked[0].Text : "";
        return ConversationWindow.Latest(system, [.. Said, .. asked.Where(message => message.Role != ChatRole.System)],
            ConversationWindow.Room(model, server), model.ChatTemplate!);
    }

    /// <summary>
    /// Keeps what the request asked and what it was answered; of a conversation that has become longer than the model's context, the latest
    /// part. Throws <see cref="ApiException"/> where that cannot be written: what was kept before is still there.
    /// </summary>
    public void Add(IEnumerable<ChatMessage> asked, string answer)
    {
        ChatMessage[] said = [.. Said, .. asked, new(ChatRole.Assistant, answer)];
        IReadOnlyList<ChatMessage> kept = ConversationWindow.Fit("", said, model.ContextLength, model.ChatTemplate!) ?? [];
        lock (_gate)
        {
            if (_isAbandoned) return;
            try
            {
                CharacterSave.Of(model, name, kept).Write(file);
            }
            catch (IOException e)
            {
                store.NotKept(e.Message);
                throw new ApiException(StatusCodes.Status507InsufficientStorage, "server_error", "conversation_not_kept", null,
                    "The answer could not be kept: the disk is full, or cannot be written. The conversation is as it was before.");
            }
        }
    }

    /// <summary>Keeps nothing from now on.</summary>
    public void Abandon()
    {
        lock (_gate) _isAbandoned = true;
    }

    public void Dispose() => store.Close(file);
}
