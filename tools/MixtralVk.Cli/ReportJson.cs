using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MixtralVk.Cli.Commands;
using MixtralVk.Planning;

namespace MixtralVk.Cli;

/// <summary>The serializers of all reports, made at compile time.</summary>
[JsonSerializable(typeof(TokenizeReport))]
[JsonSerializable(typeof(InspectReport))]
[JsonSerializable(typeof(PlanReport))]
[JsonSerializable(typeof(GenerateReport))]
[JsonSerializable(typeof(BenchReport))]
[JsonSerializable(typeof(CrowdReport))]
[JsonSerializable(typeof(TuningReport))]
[JsonSerializable(typeof(PerplexityReport))]
[JsonSerializable(typeof(RoutingReport))]
[JsonSerializable(typeof(EvalReport))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>Indented, and letters of all languages as they are: the reader is a person or a JSON parser, not a web page.</summary>
    public static ReportJson Readable { get; } = new(new JsonSerializerOptions
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter<PlannedPlace>() },
    });
}
