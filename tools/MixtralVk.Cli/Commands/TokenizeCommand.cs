using System.CommandLine;
using System.Text.Json;
using MixtralVk.Loading;
using MixtralVk.Tokenization;

namespace MixtralVk.Cli.Commands;

/// <summary>`tokenize FILE --text T`: the ids of a text on one line.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        var text = new Option<string>("--text") { Description = "The text.", HelpName = "text", Required = true };
        var json = CommonOptions.Json("Write the ids with their pieces as JSON.");
        var command = new Command("tokenize", "Write the token ids of a text, separated by spaces, BOS first.") { file, text, json };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetRequiredValue(text), parsed.GetValue(json)));
        return command;
    }

    private static void Run(string file, string text, bool json)
    {
        using ModelSource source = ModelSource.Open(file);
        var tokenizer = new Tokenizer(source.Vocabulary);
        int[] ids = tokenizer.Encode(text);
        if (json) Console.Out.WriteLine(JsonSerializer.Serialize(
            new TokenizeReport([.. ids.Select(id => new TokenReport(id, tokenizer.Piece(id)))]), ReportJson.Readable.TokenizeReport));
        else Console.Out.WriteLine(string.Join(' ', ids));
    }
}

/// <summary>The JSON of `tokenize --json`.</summary>
internal sealed record TokenizeReport(IReadOnlyList<TokenReport> Tokens);

/// <summary>A token: its id and its piece as the vocabulary spells it (a space is U+2581).</summary>
internal sealed record TokenReport(int Id, string Piece);
