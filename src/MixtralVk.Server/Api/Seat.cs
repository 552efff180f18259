using System.Threading.RateLimiting;

namespace MixtralVk.Server.Api;

/// <summary>
/// One request's seat, which it waits for once: where its question becomes a vector first, the answer goes on in the same seat.
/// </summary>
internal sealed class Seat(SessionPool sessions, Embedder embedder) : IDisposable
{
    private RateLimitLease? _lease;

    /// <summary>The vector of the question. Throws <see cref="ApiException"/> where no more may wait.</summary>
    public async Task<float[]> EmbedAsync(string question, CancellationToken cancellationToken)
    {
        _lease ??= await sessions.TakeSeatAsync(cancellationToken).ConfigureAwait(false) ?? throw ApiException.Busy(sessions.SecondsToWait);
        return await embedder.EmbedAsync(sessions.Model, question, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Hands over what it has, if anything.</summary>
    public RateLimitLease? Leave()
    {
        (RateLimitLease? lease, _lease) = (_lease, null);
        return lease;
    }

    public void Dispose() => _lease?.Dispose();
}
