using System.CommandLine;
using MixtralVk.Conversion;
using MixtralVk.Loading;

namespace MixtralVk.Cli.Commands;

/// <summary>`imatrix FILE --text T -o F`: how much each column of each matrix counts on a text, per expert.</summary>
internal static class ImatrixCommand
{
    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<string> text = new Option<string>("--text")
            { Description = "Text file (UTF-8) of the kind the model is for.", HelpName = "file", Required = true }.AsPath();
        Option<string> output = ConversionOutput.File();
        var command = new Command("imatrix", "Collect an importance matrix for `quantize` from a text, on the CPU.") { file, text, output };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(
            parsed.GetRequiredValue(file), parsed.GetRequiredValue(text), parsed.GetRequiredValue(output), cancellation), cancellation));
        return command;
    }

    private static void Run(string file, string textFile, string output, CancellationToken cancellation)
    {
        using ModelSource source = ModelSource.Open(file);
        string text = TextFile.Read(textFile);
        if (text.Length == 0) throw new IOException($"{textFile} is empty");
        // The file is opened first: one that cannot be written is better found before the work.
        AtomicFile.Write(output, stream =>
            LoadingBar.Show(progress => ImportanceMatrix.Collect(source, text, 0, progress, cancellation), "collecting")
                .Save(stream, Path.GetFileName(textFile)));
    }
}
