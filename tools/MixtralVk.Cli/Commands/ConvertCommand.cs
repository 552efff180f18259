using System.CommandLine;
using MixtralVk.Conversion;

namespace MixtralVk.Cli.Commands;

/// <summary>`convert DIR --type T -o FILE`: a folder as Hugging Face or Mistral publish it, to one GGUF file.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        Argument<string> folder = new Argument<string>("DIR")
            { Description = "Folder with safetensors files, config.json or params.json, and a tokenizer." }.AsPath();
        Option<QuantizationType> type = ConversionOutput.Type();
        Option<string> output = ConversionOutput.File();
        Option<bool> pure = ConversionOutput.Pure();
        Option<string?> importance = ConversionOutput.Importance();
        Option<string?> metadata = new Option<string?>("--metadata")
        {
            Description = "JSON file with values for the file's general.* keys: name, author, licence, languages.", HelpName = "file",
        }.AsPath();
        var command = new Command("convert", "Convert a model from safetensors (Hugging Face or Mistral) to a GGUF file.")
        {
            folder, type, output, pure, importance, metadata,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(
            parsed.GetRequiredValue(folder), parsed.GetRequiredValue(type), parsed.GetRequiredValue(output), parsed.GetValue(pure),
            parsed.GetValue(importance), parsed.GetValue(metadata), cancellation), cancellation));
        return command;
    }

    private static void Run(string folder, QuantizationType type, string output, bool pure, string? importance, string? metadata,
        CancellationToken cancellation)
    {
        using ModelConversion conversion = ModelConversion.OpenCheckpoint(folder, type, pure, ConversionOutput.Open(importance), metadata);
        ConversionOutput.Write(conversion, folder, output, cancellation);
    }
}
