using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Routing;

namespace MixtralVk.Server;

/// <summary>What the server measures, under the meter <see cref="MeterName"/>. Thread-safe.</summary>
internal sealed class ServerMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "MixtralVk.Server";

    private static readonly double[] s_seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

    private readonly Meter _meter;
    private readonly Histogram<double> _request, _firstToken, _betweenTokens;
    private readonly Counter<long> _promptTokens, _cachedTokens, _generatedTokens;

    public ServerMetrics(IMeterFactory meters, ServedModel model)
    {
        _meter = meters.Create(MeterName);
        var buckets = new InstrumentAdvice<double> { HistogramBucketBoundaries = s_seconds };
        _request = _meter.CreateHistogram("mixtralvk.request.duration", "s", "Time of requests, waiting included", advice: buckets);
        _firstToken = _meter.CreateHistogram("mixtralvk.first_token.duration", "s", "Time from a request to its first token", advice: buckets);
        _betweenTokens = _meter.CreateHistogram("mixtralvk.next_token.duration", "s", "Time from one token of an answer to the next", advice: buckets);
        _promptTokens = _meter.CreateCounter<long>("mixtralvk.prompt.tokens", "{token}", "Tokens of prompts");
        _cachedTokens = _meter.CreateCounter<long>("mixtralvk.prompt.cached_tokens", "{token}", "Tokens of prompts that were computed before");
        _generatedTokens = _meter.CreateCounter<long>("mixtralvk.generated.tokens", "{token}", "Tokens generated");
        _meter.CreateObservableGauge("mixtralvk.requests.active", () => model.Sessions?.Active ?? 0, "{request}", "Requests that are answered now");
        _meter.CreateObservableGauge("mixtralvk.requests.queued", () => model.Sessions?.Queued ?? 0, "{request}", "Requests that wait for a seat");
        _meter.CreateObservableGauge("mixtralvk.memory.model", () => model.Sessions?.Model.Memory.TotalBytes ?? 0, "By", "Memory of weights, keys and values");
        _meter.CreateObservableGauge("mixtralvk.memory.process", () => Environment.WorkingSet, "By", "Memory of the process");
    }

    public void Prompt(int tokens, int cached)
    {
        _promptTokens.Add(tokens);
        _cachedTokens.Add(cached);
    }

    public void FirstToken(TimeSpan sinceRequest)
    {
        _generatedTokens.Add(1);
        _firstToken.Record(sinceRequest.TotalSeconds);
    }

    public void NextToken(TimeSpan sinceLast)
    {
        _generatedTokens.Add(1);
        _betweenTokens.Record(sinceLast.TotalSeconds);
    }

    /// <summary>Measures a request until it is disposed.</summary>
    public Request Begin(HttpContext context) => new(this, context);

    public void Dispose() => _meter.Dispose();

    internal sealed class Request(ServerMetrics metrics, HttpContext context) : IDisposable
    {
        private readonly long _start = Stopwatch.GetTimestamp();

        public string Endpoint { get; } = $"{context.Request.Method} {(context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path}";

        public long Milliseconds => (long)Stopwatch.GetElapsedTime(_start).TotalMilliseconds;

        public void Dispose() => metrics._request.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds,
            new KeyValuePair<string, object?>("endpoint", Endpoint), new KeyValuePair<string, object?>("status", context.Response.StatusCode));
    }
}
