using System.Diagnostics;
using System.Text.Json;

namespace MixtralVk.Cli.Tests;

/// <summary>The shader bench at the shapes of the shipped model, on whatever Vulkan device there is.</summary>
public sealed class KernelsTests
{
    private static readonly string Sample = Path.Combine(AppContext.BaseDirectory, "docs", "matmul_q4_0_plain.comp");

    private static readonly string[] DecodeProducts = ["--kernel", "matmul_q4_0", "--filter", "x1 shipped"];

    [Fact]
    public async Task JsonHasEveryMeasurement()
    {
        Outcome outcome = await Kernels("--json", "--filter", "x1 shipped");
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement root = json.RootElement;
        double copy = root.GetProperty("copyGBPerSecond").GetDouble(), fma = root.GetProperty("fmaGFlopPerSecond").GetDouble();
        Assert.True(copy > 0 && fma > 0 && root.GetProperty("cacheBytes").GetInt64() > 1 << 20);
        JsonElement[] kernels = [.. root.GetProperty("kernels").EnumerateArray()];
        Assert.Contains(kernels, k => k.GetProperty("kernel").GetString() == "matmul/matmul_q4_0");
        Assert.Contains(kernels, k => k.GetProperty("kernel").GetString() == "experts/expert_gate_up_q4_0");
        Assert.All(kernels, k =>
        {
            double seconds = (k.GetProperty("cpu").ValueKind == JsonValueKind.Object ? k.GetProperty("cpu") : k.GetProperty("gpu"))
                .GetProperty("median").GetDouble();
            Assert.True(seconds > 0);
            Assert.Equal(k.GetProperty("bytes").GetInt64() / seconds / 1e9, k.GetProperty("gbPerSecond").GetDouble(), 1e-6);
            Assert.Equal(k.GetProperty("gFlopPerSecond").GetDouble() / fma, k.GetProperty("shareOfFma").GetDouble(), 1e-6);
            // The weights do not fit the cache, or as many copies of them were made as are allowed.
            Assert.True(k.GetProperty("workingSetBytes").GetInt64() > root.GetProperty("cacheBytes").GetInt64()
                || k.GetProperty("copies").GetInt32() == 4096);
        });
    }

    [Fact]
    public async Task ThePageHoldsEveryResultAndNeedsNothingElse()
    {
        using var folder = new TemporaryFolder();
        string path = folder.PathOf("kernels.html");
        Outcome outcome = await Kernels("--filter", "rms_norm", "--html", path);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(4, outcome.OutLines.Count(line => line.Contains("elementwise/rms_norm", StringComparison.Ordinal)));
        string page = await File.ReadAllTextAsync(path);
        Assert.Equal(4, page.Split("<circle class=\"dot").Length - 1);
        Assert.Equal(4, page.Split("<details").Length - 1);
        Assert.DoesNotContain("http", page);
        Assert.DoesNotContain("<script", page);
    }

    [Fact]
    public async Task AFilterThatMatchesNothingIsRefused() => CommandLine.AssertFailed(await Kernels("--filter", "nothing"), "'nothing'");

    [Fact]
    public async Task AnUnknownDeviceIsRefused() => CommandLine.AssertFailed(await Kernels("--device", "toaster"), "toaster");

    [Fact]
    public async Task AShaderIsRankedBesideOurs()
    {
        Outcome outcome = await Kernels(["--json", "--shader", Sample, .. DecodeProducts]);
        Assert.Equal(0, outcome.ExitCode);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement[] kernels = [.. json.RootElement.GetProperty("kernels").EnumerateArray()];
        JsonElement[] users = [.. kernels.Where(k => k.GetProperty("user").ValueKind == JsonValueKind.String)];
        Assert.Equal(kernels.Length, 2 * users.Length);
        Assert.All(users, k => Assert.True(k.GetProperty("gbPerSecond").GetDouble() > 0));
    }

    [Fact]
    public async Task AShaderThatDoesNotCompileIsRefusedWithItsLine()
    {
        Outcome outcome = await Changed("sum += part", "sum += parts");
        CommandLine.AssertFailed(outcome, "does not compile");
        int line = 1 + Array.FindIndex(await File.ReadAllLinesAsync(Sample), l => l.Contains("sum += part", StringComparison.Ordinal));
        Assert.Contains(outcome.ErrorLines, l => l.Contains($"changed.comp:{line}: error: 'parts'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("binding = 6", "binding = 7", "binding 7 (Output)")]
    [InlineData("readonly buffer Weights", "buffer Weights", "binding 1 (Weights): declare it readonly")]
    [InlineData("constant_id = 9", "constant_id = 19", "constant_id 19 (Cols)")]
    [InlineData("uint outputStride;", "uint outputStride; uint partStride; uint more;", "push constant more at byte 16")]
    public async Task AnotherInterfaceIsRefusedWithWhatDiffers(string from, string to, string difference)
    {
        Outcome outcome = await Changed(from, to);
        CommandLine.AssertFailed(outcome, "interface of matmul/matmul_q4_0");
        Assert.Contains(outcome.ErrorLines, l => l.Contains(difference, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AWrongResultIsNamed()
    {
        Outcome outcome = await Changed("- 8.0) * x[column + 16u", "- 7.0) * x[column + 16u");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("Row 0 of token 0 is ", outcome.ErrorLines[^1]);
        Assert.Contains("wrong", outcome.Out);
    }

    [Fact]
    public async Task WatchingTriesAgainWhenTheFileIsSaved()
    {
        using var folder = new TemporaryFolder();
        string path = folder.PathOf("changed.comp");
        string source = await File.ReadAllTextAsync(Sample);
        await File.WriteAllTextAsync(path, source.Replace("sum += part", "sum += parts", StringComparison.Ordinal));
        using Process process = CommandLine.StartInterruptible(["kernels", "--shape", CommandLine.ShippedModel, "--shader", path,
            "--watch", .. DecodeProducts]);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string before = await ReadUntilWaiting(process);
        Assert.Contains("does not compile", before);
        string aside = folder.PathOf("aside");
        await File.WriteAllTextAsync(aside, source);
        File.Move(aside, path, overwrite: true); // at once: a file that is half written would be tried, too
        Assert.DoesNotContain("does not compile", await ReadUntilWaiting(process));
        Task<string> error = process.StandardError.ReadToEndAsync();
        CommandLine.Interrupt(process);
        Outcome outcome = await CommandLine.Ended(process, output, error);
        Assert.Equal(130, outcome.ExitCode);
        Assert.Contains("changed.comp", outcome.Out);
    }

    [Fact]
    public async Task KernelAndWatchGoWithShader()
    {
        CommandLine.AssertUsageError(await Kernels("--watch"), "--shader");
        CommandLine.AssertUsageError(await Kernels("--kernel", "matmul_q4_0"), "--shader");
    }

    private static Task<Outcome> Kernels(params string[] options) =>
        CommandLine.Run(["kernels", "--shape", CommandLine.ShippedModel, .. options]);

    private static async Task<Outcome> Changed(string from, string to)
    {
        using var folder = new TemporaryFolder();
        string path = folder.PathOf("changed.comp"), source = await File.ReadAllTextAsync(Sample);
        Assert.Contains(from, source);
        await File.WriteAllTextAsync(path, source.Replace(from, to, StringComparison.Ordinal));
        return await Kernels(["--shader", path, .. DecodeProducts]);
    }

    private static async Task<string> ReadUntilWaiting(Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var read = new System.Text.StringBuilder();
        while (await process.StandardError.ReadLineAsync(limit.Token) is { } line)
        {
            read.AppendLine(line);
            if (line.Contains("waiting for", StringComparison.Ordinal)) return read.ToString();
        }
        throw new InvalidOperationException($"The command ended: {read}");
    }
}
