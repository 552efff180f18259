using System.Text.Json.Nodes;
using MixtralVk.Gpu;
using MixtralVk.Grammar;

namespace MixtralVk.HazardDesk;

/// <summary>
/// Turns readings into alerts <c>{severity, location, action, message}</c>. The schema of each alert leaves the model only what may be said
/// about its reading: it chooses, and cannot be wrong about severity and place, or order an evacuation for a reading within its limit.
/// </summary>
internal sealed class Desk(MixtralModel model, TimeSpan deadline) : IDisposable
{
    private static readonly Dictionary<string, (string[] Actions, string[] Advice)> s_choices = new()
    {
        ["critical"] = (["ventilate", "shut down", "evacuate"],
            ["leave the area and raise the alarm", "shut the supply and keep everybody out", "ventilate at once and keep away"]),
        ["warning"] = (["inspect", "ventilate", "shut down"],
            ["reduce the load and watch the reading", "send somebody to look", "ventilate and measure again"]),
        ["info"] = (["none", "inspect"], ["nothing to do", "watch the reading"]),
        ["unknown"] = (["none", "inspect"], ["there is no figure, check the sensor", "there is no figure, ask the people there"]),
    };

    private readonly Chat _chat = model.StartChat("You are the safety desk of a factory. You turn sensor readings into alerts.");

    /// <summary>The alert for a line, as JSON; within the deadline, as the first choice where the model was too slow or failed.</summary>
    public string Alert(string line)
    {
        SensorEvent reading = SensorEvent.Parse(line);
        using var time = new CancellationTokenSource(deadline);
        _chat.Reset(); // each reading stands for itself
        try
        {
            Reply reply = _chat.Ask($"Reading: {line}\nWrite the alert as JSON.",
                new GenerationOptions { Temperature = 0, Constraint = Constraint.JsonSchema(Schema(reading, line)) }, time.Token);
            foreach (string _ in reply) { }
            if (reply.IsComplete) return reply.Text;
        }
        catch (Exception e) when (e is MixtralException or GpuException)
        {
            // a line too long for the model, a device that is gone: the alert must be written all the same
            Console.Error.WriteLine(e.Message);
        }
        return FirstChoice(reading, line);
    }

    public void Dispose() => _chat.Dispose();

    private static string Schema(SensorEvent reading, string line)
    {
        (string[] actions, string[] advice) = s_choices[reading.Severity];
        var properties = new JsonObject
        {
            ["severity"] = new JsonObject { ["const"] = reading.Severity },
            ["location"] = new JsonObject { ["const"] = reading.Location },
            ["action"] = OneOf(actions),
            ["message"] = OneOf(advice.Select(text => $"{line}: {text}")),
        };
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. properties.Select(property => JsonValue.Create(property.Key))]),
            ["additionalProperties"] = false,
        }.ToJsonString();
    }

    private static JsonObject OneOf(IEnumerable<string> texts) =>
        new() { ["enum"] = new JsonArray([.. texts.Select(text => JsonValue.Create(text))]) };

    private static string FirstChoice(SensorEvent reading, string line)
    {
        (string[] actions, string[] advice) = s_choices[reading.Severity];
        return new JsonObject { ["severity"] = reading.Severity, ["location"] = reading.Location, ["action"] = actions[0],
            ["message"] = $"{line}: {advice[0]}" }.ToJsonString();
    }
}
