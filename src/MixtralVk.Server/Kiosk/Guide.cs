using MixtralVk.Server.Api;
using MixtralVk.Server.Conversations;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Kiosk;

/// <summary>What the kiosk makes of a conversation.</summary>
/// <param name="Conversation">What the model is asked: with its instructions and the passages, and as much of what was said before as
/// fits.</param>
/// <param name="Sources">The passages.</param>
/// <param name="Answer">What is answered without asking the model, as no passage is about the question; null to ask it.</param>
internal sealed record Guidance(IReadOnlyList<ChatMessage> Conversation, IReadOnlyList<Source> Sources, string? Answer);

/// <summary>The kiosk's guide: the model with a persona, that answers from the operator's texts. Thread-safe.</summary>
internal sealed class Guide(KioskSettings? settings, Knowledge knowledge, ServerOptions server)
{
    private static readonly Dictionary<string, string> s_unknown = new()
    {
        ["en"] = "I don't know that. Please ask our staff.",
        ["de"] = "Das weiß ich nicht. Bitte fragen Sie unser Personal.",
        ["fr"] = "Je ne le sais pas. Demandez à notre personnel, s'il vous plaît.",
        ["es"] = "No lo sé. Pregunte a nuestro personal, por favor.",
        ["it"] = "Non lo so. Chieda al nostro personale, per favore.",
    };

    /// <summary>The guide's name among the models; null where there is none.</summary>
    public string? ModelId => settings is null ? null : "kiosk";

    /// <summary>What the page is told of the kiosk.</summary>
    public KioskPage Page { get; } = settings is null
        ? new KioskPage("MixtralVk", new KioskSettings().Languages, new Dictionary<string, string>(),
        new Dictionary<string, IReadOnlyList<string>>(), new Dictionary<string, string>(), false, 0, server.ModelId)
        : new KioskPage(settings.Name, settings.Languages, settings.Greeting, settings.Suggestions, settings.Colors,
        settings.Logo is not null, settings.IdleSeconds, "kiosk");

    /// <summary>The file of the kiosk's picture; null for none.</summary>
    public string? Logo => settings?.Logo;

    /// <summary>
    /// Finds what the conversation's last question is about. A question that says nothing by itself (and on Sundays?) is looked up with the
    /// one before.
    /// </summary>
    public async Task<Guidance> ForAsync(IReadOnlyList<ChatMessage> conversation, string? language, MixtralModel model, Seat seat,
        CancellationToken cancellationToken)
    {
        Shelf shelf = knowledge.Shelf;
        Task<IReadOnlyList<Passage>> Search(string question) =>
            shelf.SearchAsync(question, settings!.Passages, text => seat.EmbedAsync(text, cancellationToken));

        string[] questions = [.. conversation.Where(message => message.Role == ChatRole.User).Select(message => message.Text)];
        IReadOnlyList<Passage> found = await Search(questions[^1]).ConfigureAwait(false);
        if (found.Count == 0 && questions.Length > 1) found = await Search($"{questions[^2]} {questions[^1]}").ConfigureAwait(false);
        bool isLost = settings!.Texts is not null && found.Count == 0;
        (conversation, int used) = Fit(conversation, found, model);
        return new Guidance(conversation, [.. found.Take(used).Select(passage => new Source(passage.Title, passage.Text))],
            isLost ? Unknown(language) : null);
    }

    private string Unknown(string? language)
    {
        string spoken = language is not null && settings!.Languages.Contains(language) ? language : settings!.Languages[0];
        return settings.Unknown.GetValueOrDefault(spoken) ?? s_unknown[spoken];
    }

    /// <summary>
    /// The conversation with instructions and passages: first what was said before gives way to the limits of the context, then the
    /// passages.
    /// </summary>
    private (IReadOnlyList<ChatMessage> Conversation, int Passages) Fit(IReadOnlyList<ChatMessage> conversation,
        IReadOnlyList<Passage> found, MixtralModel model)
    {
        int room = ConversationWindow.Room(model, server);
        ChatMessage[] said = [.. conversation.Where(message => message.Role != ChatRole.System)];
        for (int passages = found.Count; passages > 0; passages--)
            if (ConversationWindow.Fit(Instructions(found.Take(passages)), said, room, model.ChatTemplate!) is { } fitted)
                return (fitted, passages);
        return (ConversationWindow.Latest(Instructions([]), said, room, model.ChatTemplate!), 0);
    }

    private string Instructions(IEnumerable<Passage> passages)
    {
        string texts = string.Join("\n", passages.Select(passage => passage.Text));
        return string.Join(
            "\n\n", new[] { settings!.Persona, texts.Length > 0 ? settings.Rule : null, texts }.Where(part => !string.IsNullOrEmpty(part)));
    }
}
