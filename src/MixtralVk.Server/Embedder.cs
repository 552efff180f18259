using System.Threading.RateLimiting;

namespace MixtralVk.Server;

/// <summary>Makes vectors of texts, as <c>/v1/embeddings</c> does. Thread-safe.</summary>
internal sealed class Embedder(ServedModel served, ServerMetrics metrics)
{
    /// <summary>The vector of tokens; who asks has a seat.</summary>
    public async Task<float[]> EmbedAsync(MixtralModel model, ReadOnlyMemory<int> tokens, CancellationToken cancellationToken)
    {
        float[] vector = await model.EmbedAsync(tokens, cancellationToken).ConfigureAwait(false);
        metrics.Embedded(tokens.Length);
        return vector;
    }

    /// <summary>The vector of a text, of one longer than the context that of its beginning; who asks has a seat.</summary>
    public Task<float[]> EmbedAsync(MixtralModel model, string text, CancellationToken cancellationToken)
    {
        int[] tokens = model.Tokenizer.Encode(text);
        return EmbedAsync(model, tokens.AsMemory(0, Math.Min(tokens.Length, model.ContextLength)), cancellationToken);
    }

    /// <summary>The vector of a text, after what waits for a seat; null while the model is loaded or no more may wait.</summary>
    public async Task<float[]?> TryEmbedAsync(string text, CancellationToken cancellationToken)
    {
        if (served.Sessions is not { } sessions) return null;
        using RateLimitLease? seat = await sessions.TakeSeatAsync(cancellationToken).ConfigureAwait(false);
        return seat is null ? null : await EmbedAsync(sessions.Model, text, cancellationToken).ConfigureAwait(false);
    }
}
