using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using System.Threading.RateLimiting;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>POST /v1/embeddings: a vector for each text.</summary>
internal sealed class EmbeddingEndpoint(ServerOptions server, GenerationEndpoint generation, Embedder embedder)
{
    public async Task HandleAsync(HttpContext context, CancellationToken cancellationToken)
    {
        EmbeddingRequest request = await Gate.ReadAsync(context, ApiJson.Default.EmbeddingRequest, cancellationToken).ConfigureAwait(false);
        SessionPool sessions = generation.Sessions(request.Model);
        MixtralModel model = sessions.Model;
        if (request.EncodingFormat is not (null or "float" or "base64"))
            throw ApiException.Invalid("'encoding_format' must be float or base64.", "encoding_format");
        if (request.Dimensions is int dimensions && dimensions != model.Config.Dim)
            throw ApiException.Invalid($"This model's vectors have {model.Config.Dim} dimensions.", "dimensions");
        IReadOnlyList<int[]> inputs = CompletionEndpoint.Prompts(request.Input, "input", model.Tokenizer);
        using RateLimitLease seat = await sessions.TakeSeatAsync(cancellationToken).ConfigureAwait(false)
            ?? throw ApiException.Busy(sessions.SecondsToWait);
        var items = new List<EmbeddingItem>();
        foreach (int[] tokens in inputs)
            items.Add(new EmbeddingItem("embedding", items.Count, Written(await embedder.EmbedAsync(model, tokens, cancellationToken)
                .ConfigureAwait(false), request.EncodingFormat is "base64")));
        int count = inputs.Sum(tokens => tokens.Length);
        await context.Response.WriteAsJsonAsync(new EmbeddingResponse("list", items, server.ModelId, new EmbeddingUsage(count, count)),
            ApiJson.Default.EmbeddingResponse, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
    }

    private static JsonNode Written(float[] vector, bool asBase64) => asBase64
        ? JsonValue.Create(Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector)))
        : new JsonArray([.. vector.Select(value => (JsonNode)JsonValue.Create(value))]);
}
