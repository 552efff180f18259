using System.Text.Json.Serialization;

namespace MixtralVk.Server.Json;

/// <summary>OpenAI's form of an error.</summary>
internal sealed record ErrorBody(ErrorDetail Error);

/// <summary>What went wrong; all four fields are always there.</summary>
internal sealed record ErrorDetail(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);
