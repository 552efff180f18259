namespace MixtralVk.Cli.Tests;

public sealed class LogitsTests : IDisposable
{
    private const int VocabSize = 2048;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task WritesOneRowPerToken()
    {
        Outcome outcome = await Write("out.f32", "1,5,9");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Out);
        Assert.StartsWith("device: CPU", Assert.Single(outcome.ErrorLines));
        byte[] bytes = Read("out.f32");
        Assert.Equal(3 * VocabSize * sizeof(float), bytes.Length);
        for (int i = 0; i < bytes.Length; i += sizeof(float)) Assert.True(float.IsFinite(BitConverter.ToSingle(bytes, i)));
        Assert.Equal(["out.f32"], Directory.GetFiles(_folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public async Task ChunksAndPrefixesChangeNoBit()
    {
        string tokens = string.Join(',', Enumerable.Range(1, 40));
        await Write("whole.f32", tokens);
        await Write("chunked.f32", tokens, "--chunk", "7");
        await Write("prefix.f32", "1,2,3");
        Assert.Equal(Read("whole.f32"), Read("chunked.f32"));
        Assert.Equal(Read("whole.f32")[..(3 * VocabSize * sizeof(float))], Read("prefix.f32"));
    }

    [Fact]
    public async Task TheKvFormatMatters()
    {
        await Write("f16.f32", "1,5,9");
        await Write("f32.f32", "1,5,9", "--kv", "f32");
        await Write("q8_0.f32", "1,5,9", "--kv", "q8_0");
        Assert.Equal(3, new[] { "f16.f32", "f32.f32", "q8_0.f32" }.Select(file => Convert.ToHexString(Read(file))).Distinct().Count());
    }

    [Fact]
    public async Task TheArithmeticMatters()
    {
        await Write("int8.f32", "1,5,9");
        await Write("float32.f32", "1,5,9", "--arithmetic", "float32");
        Assert.NotEqual(Read("int8.f32"), Read("float32.f32"));
    }

    [Fact]
    public async Task AnOldFileIsReplaced()
    {
        _folder.Write("out.f32", [1, 2, 3]);
        Assert.Equal(0, (await Write("out.f32", "1")).ExitCode);
        Assert.Equal(VocabSize * sizeof(float), Read("out.f32").Length);
    }

    [Theory]
    [InlineData("2048")]
    [InlineData("1,5,999999")]
    [InlineData("-1")]
    public async Task ATokenOutsideTheVocabularyIsRefusedAndLeavesTheOldFile(string tokens)
    {
        _folder.Write("out.f32", [1, 2, 3]);
        AssertRefused(await Write("out.f32", tokens), tokens.Split(',')[^1]);
        Assert.Equal([1, 2, 3], Read("out.f32"));
        Assert.Single(Directory.GetFiles(_folder.Root));
    }

    [Fact]
    public async Task MoreTokensThanTheContextHoldsAreRefused() =>
        AssertRefused(await Write("out.f32", string.Join(',', Enumerable.Repeat(1, 513))), "513", "512");

    [Theory]
    [InlineData("")]
    [InlineData("one")]
    [InlineData("1,,2")]
    [InlineData("1 2")]
    [InlineData("99999999999")]
    public async Task MalformedTokensAreAUsageError(string tokens) => CommandLine.AssertUsageError(await Write("out.f32", tokens));

    [Theory]
    [InlineData("--chunk", "0")]
    [InlineData("--chunk", "many")]
    [InlineData("--kv", "f8")]
    [InlineData("--arithmetic", "int4")]
    public async Task AWrongOptionIsAUsageError(string option, string value) =>
        CommandLine.AssertUsageError(await Write("out.f32", "1", option, value), value);

    [Fact]
    public async Task AFolderThatIsNotThereIsNamed() => AssertRefused(await Write(Path.Combine("nowhere", "out.f32"), "1"), "nowhere");

    [Fact]
    public async Task AFolderCannotBeWritten() => AssertRefused(await Write(".", "1"), "directory");

    [Fact]
    public async Task AFullDiskIsAnError()
    {
        if (!File.Exists("/dev/full")) return; // Linux only
        AssertRefused(await Write("/dev/full", "1"), "No space left");
        Assert.True(File.Exists("/dev/full"));
    }

    private Task<Outcome> Write(string name, string tokens, params string[] options) =>
        CommandLine.Run(["logits", CommandLine.ShippedModel, "--device", "cpu", $"--tokens={tokens}", "--out",
            Path.Combine(_folder.Root, name), .. options]);

    private byte[] Read(string name) => File.ReadAllBytes(_folder.PathOf(name));

    private static void AssertRefused(Outcome outcome, params string[] mentions) => CommandLine.AssertFailed(outcome, mentions);
}
