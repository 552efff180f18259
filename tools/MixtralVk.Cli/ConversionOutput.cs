using System.CommandLine;
using MixtralVk.Conversion;

namespace MixtralVk.Cli;

/// <summary>What `convert` and `quantize` share: their options, and a file that appears whole or not at all.</summary>
internal static class ConversionOutput
{
    private const long HeaderBytes = 64 << 20;

    private static readonly Dictionary<string, QuantizationType> s_types = new(StringComparer.OrdinalIgnoreCase)
    {
        ["q4_0"] = QuantizationType.Q4_0, ["q4_k_m"] = QuantizationType.Q4_K_M, ["q5_k_m"] = QuantizationType.Q5_K_M,
        ["q6_k"] = QuantizationType.Q6_K,
        ["q8_0"] = QuantizationType.Q8_0, ["f16"] = QuantizationType.F16, ["bf16"] = QuantizationType.BF16, ["f32"] = QuantizationType.F32,
    };

    public static Option<QuantizationType> Type() => new("--type")
    {
        Description = "What to store the weights in.",
        HelpName = string.Join('|', s_types.Keys),
        Required = true,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (s_types.TryGetValue(text, out QuantizationType type)) return type;
            result.AddError($"--type must be one of {string.Join(", ", s_types.Keys)}, not '{text}'.");
            return default;
        },
    };

    public static Option<string> File() =>
        new Option<string>("--output", "-o") { Description = "File to write.", HelpName = "file", Required = true }.AsPath();

    public static Option<bool> Pure() =>
        new("--pure") { Description = "Store every matrix in the one type; without it some get more bits, as in llama.cpp." };

    public static Option<string?> Importance() =>
        new Option<string?>("--imatrix")
            { Description = "Importance matrix, from `imatrix` or llama-imatrix.", HelpName = "file" }.AsPath();

    public static ImportanceMatrix? Open(string? importance) => importance is null ? null : ImportanceMatrix.Open(importance);

    /// <summary>Writes the converted file; while that goes on, it has another name.</summary>
    public static void Write(ModelConversion conversion, string input, string output, CancellationToken cancellation)
    {
        if (Path.GetFullPath(input) == Path.GetFullPath(output))
            throw new IOException($"{output} is the file that is being read; give --output another name");
        CheckSpace(output, conversion.OutputBytes);
        AtomicFile.Write(output, stream => LoadingBar.Show(
            progress =>
            {
                conversion.Write(stream, progress: progress, cancellation: cancellation);
                return true;
            },
            "converting"));
        Console.Error.WriteLine($"wrote {output}: {Quantity.Bytes(conversion.OutputBytes)} of weights");
    }

    /// <summary>A full disk is better found before the work than after an hour of it.</summary>
    private static void CheckSpace(string output, long bytes)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(output)) ?? output;
        string drive = OperatingSystem.IsWindows() ? Path.GetPathRoot(folder) ?? folder : folder;
        // A network share on Windows has no drive to ask; /dev is no place for files.
        if (!Directory.Exists(folder) || drive.StartsWith(@"\\", StringComparison.Ordinal)
            || drive.StartsWith("/dev", StringComparison.Ordinal)) return;
        long free = new DriveInfo(drive).AvailableFreeSpace;
        if (free < bytes + HeaderBytes)
            throw new IOException(
                $"{output} needs {Quantity.Bytes(bytes + HeaderBytes)}, but its disk has {Quantity.Bytes(free)} free; free some space or write to another disk");
    }
}
