using System.CommandLine;
using MixtralVk.Conversion;

namespace MixtralVk.Cli.Commands;

/// <summary>`quantize FILE --type T -o FILE`: a GGUF file in another type.</summary>
internal static class QuantizeCommand
{
    public static Command Create()
    {
        Argument<string> file = new Argument<string>("FILE") { Description = "A GGUF file; of a split model any part." }.AsPath();
        Option<QuantizationType> type = ConversionOutput.Type();
        Option<string> output = ConversionOutput.File();
        Option<bool> pure = ConversionOutput.Pure();
        Option<string?> importance = ConversionOutput.Importance();
        var command = new Command("quantize", "Write a GGUF file again with its weights in another type.")
            { file, type, output, pure, importance };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(
            parsed.GetRequiredValue(file), parsed.GetRequiredValue(type), parsed.GetRequiredValue(output), parsed.GetValue(pure),
            parsed.GetValue(importance), cancellation), cancellation));
        return command;
    }

    private static void Run(string file, QuantizationType type, string output, bool pure, string? importance,
        CancellationToken cancellation)
    {
        using ModelConversion conversion = ModelConversion.OpenGguf(file, type, pure, ConversionOutput.Open(importance));
        ConversionOutput.Write(conversion, file, output, cancellation);
    }
}
