namespace MixtralVk.Cli.Tests;

/// <summary>Every command that takes a file, given files that are no models.</summary>
public sealed class BadFileTests
{
    public static TheoryData<string> EachCommand => ["inspect", "tokenize", "logits", "generate", "chat", "bench", "pack", "verify"];

    [Theory, MemberData(nameof(EachCommand))]
    public async Task Missing(string command)
    {
        using var folder = new TemporaryFolder();
        await AssertRefused(command, folder.PathOf("nowhere.gguf"), folder);
    }

    [Theory, MemberData(nameof(EachCommand))]
    public async Task Folder(string command)
    {
        using var folder = new TemporaryFolder();
        await AssertRefused(command, folder.Root, folder);
    }

    [Theory, MemberData(nameof(EachCommand))]
    public async Task Empty(string command)
    {
        using var folder = new TemporaryFolder();
        await AssertRefused(command, folder.Write("empty.gguf", []), folder);
    }

    [Theory, MemberData(nameof(EachCommand))]
    public async Task Text(string command)
    {
        using var folder = new TemporaryFolder();
        await AssertRefused(command, folder.Write("notes.gguf", "not a model at all, only a few words"u8), folder);
    }

    [Theory, MemberData(nameof(EachCommand))]
    public async Task Truncated(string command)
    {
        using var folder = new TemporaryFolder();
        byte[] whole = await File.ReadAllBytesAsync(CommandLine.ShippedModel);
        await AssertRefused(command, folder.Write("half.gguf", whole.AsSpan(0, whole.Length / 2)), folder);
    }

    private static async Task AssertRefused(string command, string file, TemporaryFolder folder)
    {
        string[] rest = command switch
        {
            "tokenize" => ["--text", "a"],
            "logits" => ["--tokens", "1", "--out", folder.PathOf("out.f32")],
            "generate" => ["--prompt", "a"],
            "pack" => ["-o", folder.PathOf("out.f32")],
            _ => [],
        };
        CommandLine.AssertFailed(await CommandLine.Run([command, file, .. rest]), file);
        Assert.False(File.Exists(folder.PathOf("out.f32")));
    }
}
