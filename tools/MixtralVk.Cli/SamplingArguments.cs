using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MixtralVk.Cli;

/// <summary>The options about how an answer is generated, which `generate` and `chat` have.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<ulong?> _seed = CommonOptions.Seed();

    private readonly Entry[] _entries =
    [
        Entry.Of(CommonOptions.MaxTokens(), (o, n) => o with { MaxTokens = n!.Value }),
        Entry.Of(CommonOptions.Temperature(), (o, x) => o with { Temperature = x!.Value }),
        Whole("--min-tokens", "Fewest tokens of an answer (0).", (o, n) => o with { MinTokens = n }),
        Whole("--top-k", "Only the n likeliest tokens (40; 0 for all).", (o, n) => o with { TopK = n }),
        Number("--top-p", "Only the likeliest tokens that together reach this probability (0.95).", (o, x) => o with { TopP = x }),
        Number("--min-p", "Only tokens at least so many times as likely as the likeliest (0.05).", (o, x) => o with { MinP = x }),
        Number("--typical", "Only tokens whose surprise is nearest to the expected one, up to this probability (1).",
            (o, x) => o with { TypicalP = x }),
        Number("--top-n-sigma", "Only logits at most so many deviations below the largest (0: off).", (o, x) => o with { TopNSigma = x }),
        Number("--dynamic-temperature", "By how much the temperature moves with the model's uncertainty (0).",
            (o, x) => o with { DynamicTemperatureRange = x }),
        Number("--repetition-penalty", "Divides the logits of recent tokens (1).", (o, x) => o with { RepetitionPenalty = x }),
        Number("--frequency-penalty", "Taken from the logits of recent tokens per occurrence (0).",
            (o, x) => o with { FrequencyPenalty = x }),
        Number("--presence-penalty", "Taken from the logits of recent tokens once (0).", (o, x) => o with { PresencePenalty = x }),
        Number("--dry", "Strength of the penalty for repeating sequences (0; 0.8 is usual).", (o, x) => o with { DryMultiplier = x }),
        Number("--xtc-probability", "How often the obvious tokens are taken away (0).", (o, x) => o with { XtcProbability = x }),
        Number("--xtc-threshold", "Probability from which on a token is obvious (0.1).", (o, x) => o with { XtcThreshold = x }),
        Number("--mirostat", "Bits of surprise per token at which Mirostat 2 holds the text (0: off; 5 is usual).",
            (o, x) => o with { MirostatTau = x }),
        Texts("--ban", "A text that must not appear; may be repeated.", (o, texts) => o with { BannedStrings = texts }),
        Texts("--stop", "A text at which the answer ends; may be repeated.", (o, texts) => o with { StopStrings = texts }),
    ];

    /// <summary>Adds the options to a command; values out of their range are usage errors.</summary>
    public void AddTo(Command command)
    {
        command.Add(_seed);
        foreach (Entry entry in _entries) command.Add(entry.Option);
        command.Validators.Add(result =>
        {
            var options = new GenerationOptions();
            foreach (Entry entry in _entries)
            {
                try
                {
                    options = entry.Apply(options, result);
                    options.Validate();
                }
                catch (ArgumentOutOfRangeException e)
                {
                    result.AddError(e.Message.Split(" (Parameter")[0].Replace(e.ParamName!, entry.Option.Name, StringComparison.Ordinal));
                    return;
                }
                catch (InvalidOperationException)
                {
                    // A value that cannot be read: its own option reports it.
                }
            }
        });
    }

    /// <summary>The options as the command line changes them.</summary>
    public GenerationOptions Apply(GenerationOptions options, CommandResult result)
    {
        foreach (Entry entry in _entries) options = entry.Apply(options, result);
        return result.GetValue(_seed) is ulong seed ? options with { Seed = seed } : options;
    }

    private static Entry Whole(string name, string description, Func<GenerationOptions, int, GenerationOptions> set)
    {
        var option = new Option<int?>(name) { Description = description, HelpName = "n" };
        option.CustomParser = result => Parsed<int>(result, name, "a whole number");
        return Entry.Of(option, (o, n) => set(o, n!.Value));
    }

    private static Entry Number(string name, string description, Func<GenerationOptions, float, GenerationOptions> set)
    {
        var option = new Option<float?>(name) { Description = description, HelpName = "x" };
        option.CustomParser = result => Parsed<float>(result, name, "a number");
        return Entry.Of(option, (o, x) => set(o, x!.Value));
    }

    private static Entry Texts(string name, string description, Func<GenerationOptions, string[], GenerationOptions> set) =>
        Entry.Of(new Option<string[]?>(name) { Description = description, HelpName = "text" },
            (o, texts) => texts!.Length == 0 ? o : set(o, texts));

    private static T? Parsed<T>(ArgumentResult result, string name, string kind) where T : struct, IParsable<T>
    {
        string text = result.Tokens[0].Value;
        if (T.TryParse(text, CultureInfo.InvariantCulture, out T value)) return value;
        result.AddError($"{name} must be {kind}, not '{text}'.");
        return null;
    }

    private sealed record Entry(Option Option, Func<GenerationOptions, CommandResult, GenerationOptions> Apply)
    {
        public static Entry Of<T>(Option<T> option, Func<GenerationOptions, T, GenerationOptions> set) =>
            new(option, (options, result) => result.GetValue(option) is T value ? set(options, value) : options);
    }
}
