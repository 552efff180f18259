using System.Threading.RateLimiting;

namespace MixtralVk.Server.Api;

/// <summary>How much each client may ask: a client is an API key, or without keys an address.</summary>
internal sealed class ClientLimits(ServerOptions options, ApiKeys keys) : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext>? _limiter = options.RequestsPerMinute == 0
        ? null : PartitionedRateLimiter.Create<HttpContext, string>(context =>
        RateLimitPartition.GetTokenBucketLimiter(ClientOf(context, keys), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.RequestsPerMinute,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1) / options.RequestsPerMinute,
            QueueLimit = 0,
        }));

    /// <summary>Counts a request. Throws <see cref="ApiException"/> where the client has asked too much.</summary>
    public void Count(HttpContext context)
    {
        using RateLimitLease? lease = _limiter?.AttemptAcquire(context);
        if (lease is null or { IsAcquired: true }) return;
        int seconds = lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan after)
            ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : 1;
        throw new ApiException(StatusCodes.Status429TooManyRequests, "rate_limit_error", "rate_limit_exceeded", null,
            $"Too many requests from you; try again in {seconds} s.") { RetryAfter = seconds };
    }

    public void Dispose() => _limiter?.Dispose();

    private static string ClientOf(HttpContext context, ApiKeys keys) =>
        keys.AreNotNeeded ? context.Connection.RemoteIpAddress?.ToString() ?? "" : ApiKeys.Given(context.Request)!;
}
