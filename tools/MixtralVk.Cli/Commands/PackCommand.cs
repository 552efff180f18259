using System.CommandLine;
using MixtralVk.Loading;
using MixtralVk.Packing;

namespace MixtralVk.Cli.Commands;

/// <summary>
/// `pack FILE -o FILE.mvk`: the model in the layout the engine computes with, which starts at once and may be larger than memory.
/// </summary>
internal static class PackCommand
{
    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        Option<string> output = new Option<string>("--output", "-o")
            { Description = "File to write; its name usually ends in .mvk.", HelpName = "file", Required = true }.AsPath();
        var command = new Command("pack",
            "Write a model as a packed file, which is used as it lies on the disk: no repacking at start, no need to fit memory.") { file,
            output };
        command.SetAction((parsed, cancellation) =>
            Task.Run(() => Run(parsed.GetRequiredValue(file), parsed.GetRequiredValue(output), cancellation), cancellation));
        return command;
    }

    private static void Run(string file, string output, CancellationToken cancellation)
    {
        using ModelSource source = ModelSource.Open(file);
        LoadingBar.Show(progress =>
        {
            ModelPacker.Pack(source, output, progress, cancellation);
            return true;
        }, "packing");
        Console.Error.WriteLine($"{output}: {Quantity.Bytes(new FileInfo(output).Length)}");
    }
}
