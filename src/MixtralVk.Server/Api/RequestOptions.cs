using System.Text.Json;
using MixtralVk.Grammar;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>From the fields of a request to the engine's options.</summary>
internal static class RequestOptions
{
    /// <summary>Throws <see cref="ApiException"/> for a field out of its range, or a prompt that leaves no room for an answer.</summary>
    public static GenerationOptions Read(GenerationRequest request, int? maxTokens, Constraint? constraint, int promptTokens, int contextLength, ServerOptions server)
    {
        if (promptTokens >= contextLength)
            throw ApiException.Invalid($"The model's context holds {contextLength} tokens; the prompt has {promptTokens} and leaves no room for an answer.", code: "context_length_exceeded");
        var defaults = new GenerationOptions();
        var options = new GenerationOptions
        {
            MaxTokens = maxTokens is <= 0 ? maxTokens.Value : Math.Min(Math.Min(maxTokens ?? server.AnswerTokens, server.AnswerTokens), contextLength - promptTokens),
            Temperature = request.Temperature ?? server.Temperature ?? defaults.Temperature,
            TopP = request.TopP ?? defaults.TopP,
            TopK = request.TopK ?? defaults.TopK,
            MinP = request.MinP ?? defaults.MinP,
            RepetitionPenalty = request.RepetitionPenalty ?? defaults.RepetitionPenalty,
            Seed = (ulong?)request.Seed,
            StopStrings = request.Stop ?? [],
            Constraint = constraint,
        };
        try
        {
            options.Validate();
        }
        catch (ArgumentOutOfRangeException e)
        {
            string name = e.ParamName == nameof(GenerationOptions.StopStrings) ? "stop" : JsonNamingPolicy.SnakeCaseLower.ConvertName(e.ParamName!);
            throw ApiException.Invalid($"'{name}' is out of its range. {e.Message.Split(" (Parameter")[0]}", name);
        }
        return options;
    }

    /// <summary>How many answers are asked for.</summary>
    public static int Choices(GenerationRequest request, ServerOptions server) => request.N switch
    {
        null => 1,
        int n when n >= 1 && n <= server.Choices => n,
        _ => throw ApiException.Invalid($"'n' must be between 1 and {server.Choices}.", "n"),
    };
}
