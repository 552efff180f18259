namespace MixtralVk.Server.Api;

/// <summary>A request that is refused, with what the client is told: the fields of OpenAI's error object.</summary>
internal sealed class ApiException(int status, string type, string? code, string? parameter, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Type { get; } = type;

    public string? Code { get; } = code;

    /// <summary>The field of the request that is to blame.</summary>
    public string? Parameter { get; } = parameter;

    /// <summary>Seconds after which it may be tried again.</summary>
    public int? RetryAfter { get; init; }

    public static ApiException Invalid(string message, string? parameter = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", code, parameter, message);

    public static ApiException Unsupported(string parameter) =>
        Invalid($"'{parameter}' is not supported.", parameter, "unsupported_parameter");

    public static ApiException Busy(int seconds) =>
        new(StatusCodes.Status429TooManyRequests, "rate_limit_error", "server_busy", null,
            $"Too many requests are waiting; try again in {seconds} s.") { RetryAfter = seconds };

    public static ApiException Locked(string conversation) =>
        new(StatusCodes.Status409Conflict, "invalid_request_error", "conversation_locked", "conversation",
            $"Another request goes on with the conversation '{conversation}'.") { RetryAfter = 1 };

    public static ApiException NotReady(double progress) =>
        new(StatusCodes.Status503ServiceUnavailable, "server_error", "model_loading", null, $"The model is being loaded: {progress:P0}.")
            { RetryAfter = 2 };
}
