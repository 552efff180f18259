using System.Diagnostics;

namespace MixtralVk.Cli.Tests;

/// <summary>`convert`, `quantize` and `imatrix` as people run them. What they make of a model is tested in the library.</summary>
public sealed class ConversionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task QuantizeWritesAFileThatLoads()
    {
        string made = _folder.PathOf("q8.gguf");
        Outcome outcome = await Quantize(made, "--type", "q8_0");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Out));
        Outcome inspected = await CommandLine.Run("inspect", made);
        Assert.Contains("Q8_0", inspected.Out);
        Assert.Equal([made], Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public async Task AnImportanceMatrixIsCollectedAndUsed()
    {
        string text = _folder.Write("text.txt", "[INST] Hello, who are you? [/INST] I am Mira, a baker."u8),
            matrix = _folder.PathOf("imatrix.gguf");
        Assert.Equal(0, (await CommandLine.Run("imatrix", CommandLine.ShippedModel, "--text", text, "-o", matrix)).ExitCode);
        string plain = _folder.PathOf("plain.gguf"), weighted = _folder.PathOf("weighted.gguf");
        Assert.Equal(0, (await Quantize(plain, "--type", "q4_k_m")).ExitCode);
        Assert.Equal(0, (await Quantize(weighted, "--type", "q4_k_m", "--imatrix", matrix)).ExitCode);
        Assert.NotEqual(File.ReadAllBytes(plain), File.ReadAllBytes(weighted));
        Assert.Equal(new FileInfo(plain).Length, new FileInfo(weighted).Length);
    }

    [Fact]
    public async Task AFolderThatIsNoModelAndAFileThatIsNoMatrixAreRefusedAndLeaveNothing()
    {
        CommandLine.AssertFailed(await CommandLine.Run("convert", _folder.Root, "--type", "f16", "-o", _folder.PathOf("x.gguf")),
            _folder.Root, "safetensors");
        CommandLine.AssertFailed(await Quantize(_folder.PathOf("x.gguf"), "--type", "f16", "--imatrix", CommandLine.ShippedModel),
            "importance");
        CommandLine.AssertFailed(await CommandLine.Run(
            "imatrix", CommandLine.ShippedModel, "--text", _folder.PathOf("no.txt"), "-o", _folder.PathOf("x.gguf")), "no.txt");
        Assert.Empty(Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public async Task TheSourceIsNeverTheTarget()
    {
        string copy = _folder.PathOf("copy.gguf");
        File.Copy(CommandLine.ShippedModel, copy);
        CommandLine.AssertFailed(await CommandLine.Run("quantize", copy, "--type", "f16", "-o", copy), "--output");
        Assert.Equal(await File.ReadAllBytesAsync(CommandLine.ShippedModel), await File.ReadAllBytesAsync(copy));
    }

    [Fact]
    public async Task AFullDiskIsAnError()
    {
        if (!File.Exists("/dev/full")) return; // Linux only
        CommandLine.AssertFailed(await Quantize("/dev/full", "--type", "f16"), "No space left");
    }

    [Fact]
    public async Task AnOldFileStaysWhenTheNewOneFails()
    {
        string old = _folder.Write("out.gguf", [1, 2, 3]), damaged = _folder.Write("damaged.gguf", Damaged());
        CommandLine.AssertFailed(await CommandLine.Run("quantize", damaged, "--type", "q8_0", "-o", old), "not a finite number");
        Assert.Equal([1, 2, 3], File.ReadAllBytes(old));
        Assert.Equal(2, Directory.GetFiles(_folder.Root).Length);
    }

    [Fact]
    public async Task CtrlCInTheMiddleLeavesNothing()
    {
        if (OperatingSystem.IsWindows()) return;
        string file = _folder.PathOf("out.gguf");
        Outcome outcome = await Interrupted();
        for (int tries = 1; outcome.ExitCode == 0 && tries < 10; tries++) // it was done before this test had its turn
        {
            File.Delete(file);
            outcome = await Interrupted();
        }
        Assert.Equal(130, outcome.ExitCode);
        Assert.Empty(Directory.GetFiles(_folder.Root));

        async Task<Outcome> Interrupted()
        {
            using Process process =
                CommandLine.StartInterruptible("quantize", CommandLine.ShippedModel, "--type", "q5_k_m", "-o", file);
            Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
            // The temporary file is there from the first byte on; quantising then takes some time.
            while (!process.HasExited && !Directory.EnumerateFiles(_folder.Root, "out.gguf.*.tmp").Any()) await Task.Delay(1);
            CommandLine.TryInterrupt(process);
            return await CommandLine.Ended(process, output, error);
        }
    }

    [Theory]
    [InlineData("--type", "q3")]
    [InlineData("--type")]
    [InlineData("--pure")]
    public async Task AWrongTypeIsAUsageError(params string[] options) =>
        CommandLine.AssertUsageError(await CommandLine.Run(["quantize", CommandLine.ShippedModel, "-o", _folder.PathOf("x.gguf"),
            .. options]), "--type");

    [Fact]
    public async Task TheTypeMayBeInCapitals() => Assert.Equal(0, (await Quantize(_folder.PathOf("x.gguf"), "--type", "Q4_0")).ExitCode);

    /// <summary>What a script gives where a variable is not set.</summary>
    [Theory]
    [InlineData("FILE", "quantize", "", "--type", "f16", "-o", "x.gguf")]
    [InlineData("DIR", "convert", "", "--type", "f16", "-o", "x.gguf")]
    [InlineData("--output", "quantize", "a.gguf", "--type", "f16", "-o", "")]
    [InlineData("--imatrix", "quantize", "a.gguf", "--type", "f16", "-o", "x.gguf", "--imatrix", "")]
    [InlineData("--text", "perplexity", "a.gguf", "--text", "")]
    [InlineData("--output", "pack", "a.gguf", "-o", "")]
    public async Task AnEmptyPathIsAUsageError(string name, params string[] arguments) =>
        CommandLine.AssertUsageError(await CommandLine.Run(arguments), $"{name} must not be empty");

    [Fact]
    public async Task AnImportanceMatrixThatCannotBeWrittenIsFoundBeforeTheWork() => CommandLine.AssertFailed(
        await CommandLine.Run("imatrix", CommandLine.ShippedModel, "--text", _folder.Write("text.txt", "Hello"u8), "-o",
            _folder.PathOf("none/x.gguf")), "cannot be written");

    /// <summary>The shipped model with all bits of its last weights set: their scale is not a number.</summary>
    private static byte[] Damaged()
    {
        byte[] file = File.ReadAllBytes(CommandLine.ShippedModel);
        file.AsSpan(file.Length - 180).Fill(0xFF);
        return file;
    }

    private static Task<Outcome> Quantize(string output, params string[] options) =>
        CommandLine.Run(["quantize", CommandLine.ShippedModel, "-o", output, .. options]);
}
