using MixtralVk.Server.Json;
using MixtralVk.Tokenization;

namespace MixtralVk.Server.Api;

/// <summary>One answer in the form a client gets it: piece by piece, or whole.</summary>
internal abstract class AnswerWriter
{
    /// <summary>What a piece adds, for a stream; null for nothing yet.</summary>
    public abstract Choice? Next(AnswerPiece piece);

    /// <summary>All of it, once the last piece was given to <see cref="Next"/>.</summary>
    public abstract Choice Whole();

    /// <summary>What the model has written so far.</summary>
    public abstract string Text { get; }

    /// <summary>OpenAI's word for why an answer ended.</summary>
    protected static string? Reason(FinishReason? reason) => reason is null ? null : reason.Value switch
    {
        FinishReason.EndOfText or FinishReason.StopString => "stop",
        FinishReason.MaxTokens or FinishReason.ContextFull or FinishReason.Cancelled => "length",
    };

    /// <summary>The text of a token by itself; where it is a part of a character, U+FFFD.</summary>
    protected static string TextOf(Tokenizer tokenizer, int token) => tokenizer.Decode([token], trimLeadingSpace: false);
}
