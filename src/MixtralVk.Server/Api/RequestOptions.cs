using System.Globalization;
using System.Text.Json;
using MixtralVk.Grammar;
using MixtralVk.Server.Json;

namespace MixtralVk.Server.Api;

/// <summary>From the fields of a request to the engine's options.</summary>
internal static class RequestOptions
{
    private const int MostLogProbabilities = 20;
    private const int MostStops = 16;

    /// <summary>Throws <see cref="ApiException"/> for a field out of its range, or a prompt that leaves no room for an answer.</summary>
    public static GenerationOptions Read(GenerationRequest request, int? maxTokens, int? logProbabilities, Constraint? constraint,
        int promptTokens, MixtralModel model, ServerOptions server)
    {
        int contextLength = model.ContextLength;
        if (promptTokens >= contextLength)
            throw ApiException.Invalid(
                $"The model's context holds {contextLength} tokens; the prompt has {promptTokens} and leaves no room for an answer.",
                code: "context_length_exceeded");
        var defaults = new GenerationOptions();
        var options = new GenerationOptions
        {
            MaxTokens = maxTokens is <= 0
                ? maxTokens.Value : Math.Min(Math.Min(maxTokens ?? server.AnswerTokens, server.AnswerTokens), contextLength - promptTokens),
            Temperature = request.Temperature ?? server.Temperature ?? defaults.Temperature,
            TopP = request.TopP ?? defaults.TopP,
            TopK = request.TopK ?? defaults.TopK,
            MinP = request.MinP ?? defaults.MinP,
            RepetitionPenalty = request.RepetitionPenalty ?? defaults.RepetitionPenalty,
            FrequencyPenalty = request.FrequencyPenalty ?? 0,
            PresencePenalty = request.PresencePenalty ?? 0,
            LogitBias = Biases(request.LogitBias, model),
            LogProbabilities = logProbabilities,
            Seed = (ulong?)request.Seed,
            StopStrings = request.Stop is { Count: > MostStops }
                ? throw ApiException.Invalid($"'stop' must have at most {MostStops} texts.", "stop") : request.Stop ?? [],
            Constraint = constraint,
        };
        try
        {
            options.Validate();
        }
        catch (ArgumentOutOfRangeException e)
        {
            string name = e.ParamName == nameof(GenerationOptions.StopStrings)
                ? "stop" : JsonNamingPolicy.SnakeCaseLower.ConvertName(e.ParamName!);
            throw ApiException.Invalid($"'{name}' is out of its range. {e.Message.Split(" (Parameter")[0]}", name);
        }
        return options;
    }

    /// <summary>How many likely tokens are to be told with each token. Throws <see cref="ApiException"/>.</summary>
    public static int? LogProbabilities(int? wanted, string parameter) =>
        wanted is null or (>= 0 and <= MostLogProbabilities)
            ? wanted : throw ApiException.Invalid($"'{parameter}' must be between 0 and {MostLogProbabilities}.", parameter);

    private static Dictionary<int, float> Biases(IReadOnlyDictionary<string, float>? given, MixtralModel model)
    {
        var biases = new Dictionary<int, float>();
        foreach ((string key, float bias) in given ?? new Dictionary<string, float>())
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int token) || token >= model.Config.VocabSize
                || bias is not (>= -100 and <= 100))
                throw ApiException.Invalid(
                    $"'logit_bias' must have numbers between -100 and 100 for token ids below {model.Config.VocabSize}.", "logit_bias");
            biases[token] = bias <= -100 ? float.NegativeInfinity : bias; // OpenAI's word for never
        }
        return biases;
    }

    /// <summary>How many answers are asked for.</summary>
    public static int Choices(GenerationRequest request, ServerOptions server) => request.N switch
    {
        null => 1,
        int n when n >= 1 && n <= server.Choices => n,
        _ => throw ApiException.Invalid($"'n' must be between 1 and {server.Choices}.", "n"),
    };
}
