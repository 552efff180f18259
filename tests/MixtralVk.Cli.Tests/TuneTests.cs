namespace MixtralVk.Cli.Tests;

public sealed class TuneTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AnUnknownAdapterIsNamed() =>
        CommandLine.AssertFailed(await CommandLine.Run("tune", CommandLine.ShippedModel, "--adapter", "no such card"), "no such card");

    [Fact]
    public async Task AMissingFileIsNamed() =>
        CommandLine.AssertFailed(await CommandLine.Run("tune", Path.Combine(_folder.Root, "none.gguf")), "none.gguf");
}
