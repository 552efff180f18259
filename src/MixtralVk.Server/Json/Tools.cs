using System.Text.Json;

namespace MixtralVk.Server.Json;

/// <summary>A function the model may call.</summary>
internal sealed record Tool(string? Type, FunctionDescription? Function);

/// <summary>What a function is for, and the schema of its arguments.</summary>
internal sealed record FunctionDescription(string? Name, string? Description, JsonElement? Parameters);

/// <summary>A call in a message; in a stream with its place among the calls.</summary>
internal sealed record ToolCall(string? Id, string? Type, FunctionCall? Function)
{
    public int? Index { get; init; }
}

/// <summary>A function's name, and its arguments as JSON in a text.</summary>
internal sealed record FunctionCall(string? Name, string? Arguments);
