using System.Text.Json;

namespace MixtralVk.Cli.Tests;

public sealed class PackTests
{
    private static readonly string[] Question =
        ["--prompt", "Who are you?", "--temperature", "0", "--seed", "1", "--device", "cpu", "--max-tokens", "16"];

    [Fact]
    public async Task PackedModelGivesTheSameAnswerReadAndMapped()
    {
        using var folder = new TemporaryFolder();
        string packed = folder.PathOf("model.mvk");
        Outcome pack = await CommandLine.Run("pack", CommandLine.ShippedModel, "-o", packed);
        Assert.Equal(0, pack.ExitCode);
        Assert.Empty(pack.Out);
        Assert.Single(Directory.GetFiles(folder.Root));

        Outcome expected = await CommandLine.Run(["generate", CommandLine.ShippedModel, .. Question]);
        Assert.NotEmpty(expected.Out.Trim());
        foreach (string map in (string[])["never", "always"])
            Assert.Equal(expected.Out, (await CommandLine.Run(["generate", packed, "--map", map, .. Question])).Out);
    }

    [Fact]
    public async Task JsonTellsStartAndMemory()
    {
        Outcome outcome = await CommandLine.Run(["generate", CommandLine.ShippedModel, "--json", .. Question]);
        using JsonDocument json = JsonDocument.Parse(outcome.Out);
        JsonElement timings = json.RootElement.GetProperty("timings");
        Assert.True(timings.GetProperty("startToFirstTokenMs").GetDouble() > 1000 * timings.GetProperty("loadSeconds").GetDouble());
        Assert.InRange(json.RootElement.GetProperty("peakPrivateBytes").GetInt64(), 1 << 20, 1L << 33);
    }

    [Fact]
    public async Task VerifyTellsWhereAFileIsDamaged()
    {
        using var folder = new TemporaryFolder();
        string packed = folder.PathOf("model.mvk");
        await CommandLine.Run("pack", CommandLine.ShippedModel, "-o", packed);
        Outcome whole = await CommandLine.Run("verify", packed);
        Assert.Equal(0, whole.ExitCode);
        Assert.Matches("All checksums are right.*[0-9a-f]{64}", whole.Out);

        byte[] bytes = await File.ReadAllBytesAsync(packed);
        bytes[bytes.Length / 2 & ~0xFFFF] ^= 1; // a tensor begins there
        Outcome damaged = await CommandLine.Run("verify", folder.Write("damaged.mvk", bytes));
        CommandLine.AssertFailed(damaged, "damaged.mvk", "1 blocks");
        Assert.Contains(damaged.ErrorLines, line => line.StartsWith("damaged: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task VerifyOfAGgufSaysThatItHasNoChecksums()
    {
        Outcome outcome = await CommandLine.Run("verify", CommandLine.ShippedModel);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("no checksums", outcome.Out);
    }

    [Fact]
    public async Task MappingAGgufNamesTheCommandThatHelps() => CommandLine.AssertFailed(
        await CommandLine.Run(["generate", CommandLine.ShippedModel, "--map", "always", .. Question]), "mixtralvk pack \"");

    [Fact]
    public async Task AnUnwritableTargetIsRefused()
    {
        using var folder = new TemporaryFolder();
        CommandLine.AssertFailed(await CommandLine.Run("pack", CommandLine.ShippedModel, "-o", folder.PathOf("none/model.mvk")),
            "model.mvk");
        CommandLine.AssertFailed(await CommandLine.Run("pack", CommandLine.ShippedModel, "-o", folder.Root), "directory");
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }
}
