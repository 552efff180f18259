using System.Text.Json;

namespace MixtralVk.Cli;

/// <summary>One line of a task file.</summary>
internal abstract record EvalTask(string Category)
{
    private const string AnyCategory = "all";

    /// <summary>
    /// Reads a file of one JSON object per line: <c>question</c>, <c>choices</c> and <c>answer</c> (an index or a letter), optionally
    /// <c>subject</c>, as MMLU has them; or <c>prompt</c>, <c>facts</c>, <c>any</c> and <c>json</c>, as the shipped model's evaluation has
    /// them, with <c>category</c>. Throws <see cref="MixtralException"/> for a line that is neither.
    /// </summary>
    public static EvalTask[] ReadFile(string path)
    {
        var tasks = new List<EvalTask>();
        string[] lines = TextFile.Read(path).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            try
            {
                using JsonDocument json = JsonDocument.Parse(lines[i]);
                tasks.Add(Read(json.RootElement));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new MixtralException($"{path}, line {i + 1}: {e.Message}", e);
            }
        }
        return tasks.Count > 0 ? [.. tasks] : throw new MixtralException($"{path} has no tasks.");
    }

    private static EvalTask Read(JsonElement task)
    {
        if (task.ValueKind != JsonValueKind.Object) throw new FormatException("the task is not a JSON object.");
        if (task.TryGetProperty("question", out JsonElement question))
        {
            string[] choices = Strings(task, "choices");
            if (choices.Length is < 2 or > 26) throw new FormatException($"{choices.Length} choices; 2 to 26 are possible.");
            return new MultipleChoice(Text(task, "subject") ?? Text(task, "category") ?? AnyCategory, question.GetString() ?? "", choices,
                Answer(task, choices.Length));
        }
        string prompt = Text(task, "prompt") ?? throw new FormatException("the task has neither a question nor a prompt.");
        string? target = task.TryGetProperty("json", out JsonElement json) && json.ValueKind == JsonValueKind.Object
            ? Text(json, "target") ?? "" : null;
        return new Containment(Text(task, "category") ?? AnyCategory, prompt, Strings(task, "facts"), Strings(task, "any"), target);
    }

    private static int Answer(JsonElement task, int choices)
    {
        if (!task.TryGetProperty("answer", out JsonElement answer)) throw new FormatException("the question has no answer.");
        int index = answer.ValueKind == JsonValueKind.Number ? answer.GetInt32()
            : answer.GetString() is [var letter] ? letter - 'A' : throw new FormatException("the answer is neither an index nor a letter.");
        return index >= 0 && index < choices ? index : throw new FormatException($"the answer is choice {index} of {choices}.");
    }

    private static string? Text(JsonElement task, string key) => task.TryGetProperty(key, out JsonElement value) ? value.GetString() : null;

    private static string[] Strings(JsonElement task, string key) =>
        task.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? [.. value.EnumerateArray().Select(v => v.GetString() ?? "")] : [];
}

/// <summary>A question whose right choice is to be the likeliest.</summary>
internal sealed record MultipleChoice(string Category, string Question, string[] Choices, int Answer) : EvalTask(Category)
{
    /// <summary>The prompt of Hendrycks et al. 2020 (arXiv 2009.03300) without examples; the letter of a choice follows.</summary>
    public string Prompt =>
        $"The following are multiple choice questions (with answers) about {Category.Replace('_', ' ')}.\n\n{Question}\n"
        + string.Concat(Choices.Select((choice, i) => $"{Letter(i)}. {choice}\n")) + "Answer:";

    /// <summary>What follows the prompt for a choice.</summary>
    public static string Letter(int choice) => ((char)('A' + choice)).ToString();
}

/// <summary>
/// A prompt in the model's chat format, whose answer must contain every fact and, where there are any, one of <paramref name="Any"/>. With
/// a <paramref name="JsonTarget"/> it must also be a JSON object of say, emotion, action and that target.
/// </summary>
internal sealed record Containment(string Category, string Prompt, string[] Facts, string[] Any, string? JsonTarget) : EvalTask(Category)
{
    public bool Accepts(string answer) =>
        Facts.All(fact => answer.Contains(fact, StringComparison.OrdinalIgnoreCase))
        && (Any.Length == 0 || Any.Any(one => answer.Contains(one, StringComparison.OrdinalIgnoreCase)))
        && (JsonTarget is null || CharacterReply.Read(answer)?.Target == JsonTarget);
}
