using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Routing;

namespace MixtralVk.Server;

/// <summary>What the server measures, under the meter <see cref="MeterName"/>. Thread-safe.</summary>
internal sealed class ServerMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "MixtralVk.Server";

    /// <summary>Name of the engine's own meter: what experts do where GPU and processor share them.</summary>
    public const string EngineMeterName = "MixtralVk";

    private const int LatestCount = 100;
    private static readonly double[] s_seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

    private readonly Meter _meter;
    private readonly Histogram<double> _request, _firstToken, _betweenTokens;
    private readonly Queue<(double First, double Next)> _latest = new(LatestCount);
    private long _requests, _refused, _promptTokens, _cachedTokens, _generatedTokens, _embeddedTokens;

    public ServerMetrics(IMeterFactory meters, ServedModel model)
    {
        _meter = meters.Create(MeterName);
        var buckets = new InstrumentAdvice<double> { HistogramBucketBoundaries = s_seconds };
        _request = _meter.CreateHistogram("mixtralvk.request.duration", "s", "Time of requests, waiting included", advice: buckets);
        _firstToken = _meter.CreateHistogram(
            "mixtralvk.first_token.duration", "s", "Time from a request to its first token", advice: buckets);
        _betweenTokens =
            _meter.CreateHistogram("mixtralvk.next_token.duration", "s", "Time from one token of an answer to the next", advice: buckets);
        _meter.CreateObservableCounter("mixtralvk.prompt.tokens", () => PromptTokens, "{token}", "Tokens of prompts");
        _meter.CreateObservableCounter(
            "mixtralvk.prompt.cached_tokens", () => CachedTokens, "{token}", "Tokens of prompts that were computed before");
        _meter.CreateObservableCounter("mixtralvk.generated.tokens", () => GeneratedTokens, "{token}", "Tokens generated");
        _meter.CreateObservableCounter("mixtralvk.embedded.tokens", () => EmbeddedTokens, "{token}", "Tokens of texts that became vectors");
        _meter.CreateObservableGauge(
            "mixtralvk.requests.active", () => model.Sessions?.Active ?? 0, "{request}", "Requests that are answered now");
        _meter.CreateObservableGauge(
            "mixtralvk.requests.queued", () => model.Sessions?.Queued ?? 0, "{request}", "Requests that wait for a seat");
        _meter.CreateObservableGauge(
            "mixtralvk.memory.model", () => model.Sessions?.Model.Memory.TotalBytes ?? 0, "By", "Memory of weights, keys and values");
        _meter.CreateObservableGauge("mixtralvk.memory.process", () => Environment.WorkingSet, "By", "Memory of the process");
    }

    public long Requests => Volatile.Read(ref _requests);

    public long Refused => Volatile.Read(ref _refused);

    public long PromptTokens => Volatile.Read(ref _promptTokens);

    public long CachedTokens => Volatile.Read(ref _cachedTokens);

    public long GeneratedTokens => Volatile.Read(ref _generatedTokens);

    public long EmbeddedTokens => Volatile.Read(ref _embeddedTokens);

    public void Prompt(int tokens, int cached)
    {
        Interlocked.Add(ref _promptTokens, tokens);
        Interlocked.Add(ref _cachedTokens, cached);
    }

    public void FirstToken(TimeSpan sinceRequest)
    {
        Interlocked.Increment(ref _generatedTokens);
        _firstToken.Record(sinceRequest.TotalSeconds);
    }

    public void NextToken(TimeSpan sinceLast)
    {
        Interlocked.Increment(ref _generatedTokens);
        _betweenTokens.Record(sinceLast.TotalSeconds);
    }

    public void Embedded(int tokens) => Interlocked.Add(ref _embeddedTokens, tokens);

    /// <summary>An answer has ended: its time to the first token, and the mean from one token to the next.</summary>
    public void Answered(TimeSpan first, TimeSpan next)
    {
        lock (_latest)
        {
            if (_latest.Count == LatestCount) _latest.Dequeue();
            _latest.Enqueue((first.TotalSeconds, next.TotalSeconds));
        }
    }

    /// <summary>Of the latest answers the seconds to the first token, and the mean seconds between tokens; the oldest first.</summary>
    public (double[] First, double[] Next) LatestLatencies()
    {
        lock (_latest) return ([.. _latest.Select(answer => answer.First)], [.. _latest.Select(answer => answer.Next)]);
    }

    /// <summary>Measures a request until it is disposed.</summary>
    public Request Begin(HttpContext context) => new(this, context);

    public void Dispose() => _meter.Dispose();

    internal sealed class Request(ServerMetrics metrics, HttpContext context) : IDisposable
    {
        private readonly long _start = Stopwatch.GetTimestamp();

        public string Endpoint { get; } =
            $"{context.Request.Method} {(context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path}";

        public long Milliseconds => (long)Stopwatch.GetElapsedTime(_start).TotalMilliseconds;

        public void Dispose()
        {
            int status = context.Response.StatusCode;
            Interlocked.Increment(ref metrics._requests);
            if (status >= StatusCodes.Status400BadRequest) Interlocked.Increment(ref metrics._refused);
            metrics._request.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds,
                new KeyValuePair<string, object?>("endpoint", Endpoint), new KeyValuePair<string, object?>("status", status));
        }
    }
}
