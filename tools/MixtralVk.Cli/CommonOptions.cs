using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>Arguments and options that several commands have. A value that is out of range is a usage error in one line.</summary>
internal static class CommonOptions
{
    public static Argument<string> File() =>
        new Argument<string>("FILE") { Description = "A model: a packed one (.mvk) or GGUF." }.AsPath();

    /// <summary>
    /// Refuses an empty path, as scripts give one where a variable is not set, and an option that there is not, which would be taken for one.
    /// </summary>
    public static Argument<T> AsPath<T>(this Argument<T> argument)
    {
        argument.Validators.Add(result =>
        {
            RefuseEmpty(result, argument.Name);
            if (result.Tokens is [{ Value: ['-', _, ..] option }])
                result.AddError($"There is no option '{option}'. A {argument.Name} of that name is written ./{option}.");
        });
        return argument;
    }

    /// <summary>Refuses an empty path.</summary>
    public static Option<T> AsPath<T>(this Option<T> option)
    {
        option.Validators.Add(result => RefuseEmpty(result, option.Name));
        return option;
    }

    public static Option<string> Device() =>
        OneOf("--device", "auto takes a GPU, or the CPU where there is none; vulkan takes any Vulkan device, a software driver too.",
            "auto", "vulkan", "cpu");

    public static Option<string> Map() =>
        OneOf("--map", "Use the weights of a packed model in place, mapped from the file; auto does when they do not fit memory.",
            "auto", "never", "always");

    public static Option<string> Arithmetic() =>
        OneOf("--arithmetic",
            "What the CPU path multiplies quantised weights with: activations rounded to 8 bits, or floats, which are exact and slower.",
            "int8", "float32");

    public static Option<KvFormat> Kv()
    {
        var formats = new Dictionary<string, KvFormat> { ["f16"] = KvFormat.F16, ["f32"] = KvFormat.F32, ["q8_0"] = KvFormat.Q8_0 };
        Option<string> words =
            OneOf("--kv", "Storage of keys and values; q8_0 takes little more than half the memory of f16.", [.. formats.Keys]);
        return new Option<KvFormat>(words.Name)
        {
            Description = words.Description,
            HelpName = words.HelpName,
            DefaultValueFactory = _ => KvFormat.F16,
            CustomParser = result => formats.GetValueOrDefault(words.CustomParser!(result) ?? ""),
        };
    }

    public static Option<int?> MaxTokens() => Positive("--max-tokens", "Most tokens of an answer (256).");

    public static Option<int?> Context() =>
        Positive("--context", $"Context length in tokens (the model's, at most {MixtralOptions.DefaultContextLength}).");

    public static Option<ulong?> Seed() => Parsed<ulong>("--seed", "The same seed gives the same text; without it each run differs.", "n",
        "a whole number of 0 or more",
        text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null);

    public static Option<int?> Port() => Parsed<int>("--port", "Port to listen on (8080); 0 takes a free one.", "n",
        "a whole number of 0 or more", text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null);

    public static Option<bool> Json(string description) => new("--json") { Description = description };

    public static Option<float?> Temperature() => Parsed<float>("--temperature",
        "0 always takes the likeliest token; higher is more varied (0.7; 0 in a chat with the shipped model).", "x",
        "a number of 0 or more", text => float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
            && value >= 0 && float.IsFinite(value) ? value : null);

    /// <summary>An option with a number that must be 1 or more.</summary>
    public static Option<int?> Positive(string name, string description) => Parsed<int>(name, description, "n",
        "a whole number of 1 or more", text =>
            int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value) && value > 0 ? value : null);

    /// <summary>How much of a mixture's experts go to the GPU; null: as many as fit.</summary>
    public static Option<ExpertShare?> ExpertsOnGpu() => Parsed<ExpertShare>("--experts-on-gpu",
        "Video memory for experts, or their part in per cent; the CPU computes the others at the same time (as many as fit).", "2GiB|25%",
        "a size like 2GiB or a part like 25%", text =>
        {
            if (text.EndsWith('%') && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out double percent) && percent <= 100)
                return new ExpertShare(null, percent / 100);
            return TryParseSize(text) is long bytes ? new ExpertShare(bytes, null) : null;
        });

    /// <summary>
    /// An option with a size: a whole or decimal number of KiB, MiB, GiB or, with no unit, bytes. So few bytes that a unit was forgotten are
    /// refused.
    /// </summary>
    public static Option<long?> Size(string name, string description) =>
        Parsed(name, description, "6GiB", "a size like 6GiB or 500MiB", TryParseSize);

    /// <summary>
    /// An option with a value that <paramref name="parse"/> makes of its text, or null where the text is not <paramref name="expected"/>.
    /// </summary>
    private static Option<T?> Parsed<T>(string name, string description, string helpName, string expected, Func<string, T?> parse)
        where T : struct => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            T? value = parse(text);
            if (value is null) result.AddError($"{name} must be {expected}, not '{text}'.");
            return value;
        },
    };

    private static long? TryParseSize(string text)
    {
        int unit = text.EndsWith("KiB", StringComparison.Ordinal) ? 10 : text.EndsWith("MiB", StringComparison.Ordinal)
            ? 20 : text.EndsWith("GiB", StringComparison.Ordinal) ? 30 : 0;
        ReadOnlySpan<char> number = unit == 0 ? text : text.AsSpan(0, text.Length - 3);
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)) return null;
        bool lacksUnit = unit == 0 && value is > 0 and < 1 << 20;
        return !lacksUnit && value * (1L << unit) < 1L << 60 ? (long)(value * (1L << unit)) : null;
    }

    /// <summary>An option with ascending numbers of 1 or more, with commas between them; none without the option.</summary>
    public static Option<int[]> Ascending(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "n,n,...",
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            var values = new List<int>();
            foreach (string part in text.Split(','))
                if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > values.LastOrDefault())
                    values.Add(value);
                else
                {
                    result.AddError($"{name} must be ascending whole numbers of 1 or more with commas between them, not '{text}'.");
                    break;
                }
            return [.. values];
        },
    };

    /// <summary>An option with one of a few words, of which the first is the default.</summary>
    public static Option<string> OneOf(string name, string description, params string[] words) => new(name)
    {
        Description = description,
        HelpName = string.Join('|', words),
        DefaultValueFactory = _ => words[0],
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (!words.Contains(text)) result.AddError($"{name} must be one of {string.Join(", ", words)}, not '{text}'.");
            return text;
        },
    };

    private static void RefuseEmpty(SymbolResult result, string name)
    {
        if (result.Tokens.Any(token => token.Value.Length == 0)) result.AddError($"{name} must not be empty.");
    }
}
