namespace MixtralVk.Cli.Tests;

public sealed class HelpTests
{
    public static readonly string[] Commands =
    [
        "devices", "inspect", "plan", "tokenize", "logits", "generate", "chat", "serve", "bench", "crowd", "tune", "convert", "quantize",
        "imatrix", "perplexity", "routing",
        "eval",
        "kernels",
        "pack", "verify",
    ];

    public static TheoryData<string> EachCommand => [.. Commands];

    [Fact]
    public async Task RootListsEveryCommand()
    {
        Outcome outcome = await CommandLine.Run("--help");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.All(Commands, command => Assert.Contains(outcome.OutLines, line => line.StartsWith(command, StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(EachCommand))]
    public async Task EveryCommandExplainsItself(string command)
    {
        Outcome outcome = await CommandLine.Run(command, "--help");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.Contains($"mixtralvk {command}", outcome.Out);
    }

    [Theory, MemberData(nameof(EachCommand))]
    public async Task EveryCommandRefusesAnUnknownOption(string command) =>
        CommandLine.AssertUsageError(await CommandLine.Run(command, CommandLine.ShippedModel, "--nonsense"));

    [Theory, MemberData(nameof(EachCommand))]
    public async Task AnUnknownOptionIsNotTakenForAFile(string command) =>
        CommandLine.AssertUsageError(await CommandLine.Run(command, "--nonsense"));

    [Fact]
    public async Task NoCommandIsAUsageError() => CommandLine.AssertUsageError(await CommandLine.Run());

    [Fact]
    public async Task AnUnknownCommandIsAUsageError() => CommandLine.AssertUsageError(await CommandLine.Run("speak"));

    [Theory]
    [InlineData("inspect")]
    [InlineData("plan")]
    [InlineData("tokenize", "--text", "a")]
    [InlineData("logits", "--tokens", "1", "--out", "x")]
    [InlineData("generate", "--prompt", "a")]
    [InlineData("bench")]
    [InlineData("crowd")]
    [InlineData("quantize", "--type", "q4_0", "-o", "x")]
    [InlineData("imatrix", "--text", "a", "-o", "x")]
    [InlineData("perplexity", "--text", "a")]
    [InlineData("routing", "--text", "a")]
    [InlineData("eval", "--tasks", "a")]
    [InlineData("pack", "-o", "x")]
    [InlineData("verify")]
    public async Task AMissingFileArgumentIsAUsageError(params string[] arguments) =>
        CommandLine.AssertUsageError(await CommandLine.Run(arguments), "FILE");

    [Theory]
    [InlineData("generate", "--prompt", "a")]
    [InlineData("logits", "--tokens", "1", "--out", "x")]
    [InlineData("bench")]
    [InlineData("chat")]
    public async Task AnUnknownDeviceIsAUsageError(params string[] arguments) =>
        CommandLine.AssertUsageError(await CommandLine.Run([.. arguments, CommandLine.ShippedModel, "--device", "toaster"]), "toaster");
}
