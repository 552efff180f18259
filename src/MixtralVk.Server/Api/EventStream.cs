using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MixtralVk.Server.Api;

/// <summary>Server-sent events with JSON in them. The response begins with the first one, so that until then it can be an error.</summary>
internal sealed class EventStream(HttpResponse response)
{
    private Utf8JsonWriter? _json;

    /// <summary>Sends one event; waits while the client does not read.</summary>
    public async ValueTask SendAsync<T>(T value, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        PipeWriter body = response.BodyWriter;
        if (!response.HasStarted)
        {
            response.ContentType = "text/event-stream";
            response.Headers.CacheControl = "no-cache";
            response.Headers["X-Accel-Buffering"] = "no"; // a proxy in front sends each event on at once
        }
        Write(body, "data: "u8);
        _json ??= new Utf8JsonWriter(body);
        _json.Reset();
        JsonSerializer.Serialize(_json, value, type);
        await FinishAsync(body, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends what OpenAI's streams end with.</summary>
    public ValueTask EndAsync(CancellationToken cancellationToken)
    {
        Write(response.BodyWriter, "data: [DONE]"u8);
        return FinishAsync(response.BodyWriter, cancellationToken);
    }

    private static async ValueTask FinishAsync(PipeWriter body, CancellationToken cancellationToken)
    {
        Write(body, "\n\n"u8);
        FlushResult flushed = await body.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted) throw new OperationCanceledException("The client is gone.");
    }

    private static void Write(PipeWriter body, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(body.GetSpan(bytes.Length));
        body.Advance(bytes.Length);
    }
}
