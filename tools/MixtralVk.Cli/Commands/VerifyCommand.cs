using System.CommandLine;
using System.Globalization;
using MixtralVk.Loading;
using MixtralVk.Packing;

namespace MixtralVk.Cli.Commands;

/// <summary>`verify FILE`: reads a whole packed model and checks every checksum.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        Argument<string> file = CommonOptions.File();
        var command = new Command("verify", "Check every checksum of a packed model; of a GGUF file, which has none, only the structure.")
            { file };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed.GetRequiredValue(file), cancellation), cancellation));
        return command;
    }

    private static void Run(string file, CancellationToken cancellation)
    {
        VerifyResult result = LoadingBar.Show(progress => ModelVerifier.Verify(file, progress, cancellation), "checking");
        if (!result.HasChecksums)
        {
            Console.Out.WriteLine("The structure is right. This kind of file has no checksums, so its weights were not checked.");
            return;
        }
        foreach (DamagedBlock block in result.Damaged)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"damaged: {block.What}, {block.Bytes} bytes at {block.Offset}"));
        if (result.Damaged.Count > 0) throw new ModelFileException(file, $"{result.Damaged.Count} blocks are damaged.");
        Console.Out.WriteLine($"All checksums are right: {Quantity.Bytes(result.CheckedBytes)} of weights, model hash {result.ModelHash}");
    }
}
