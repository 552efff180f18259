using System.Diagnostics;

namespace MixtralVk.Cli.Tests;

public sealed class ChatTests
{
    [Fact]
    public async Task PipedLinesAreAnsweredInCharacterOneByOne()
    {
        Outcome outcome = await Chat("Hello, who are you?\nWhere is the mill?\n");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(2, outcome.OutLines.Length);
        Assert.Contains("Brannor", outcome.OutLines[0]);
        Assert.Contains("mill", outcome.OutLines[1]);
        Assert.StartsWith("device: CPU", Assert.Single(outcome.ErrorLines));
    }

    [Fact]
    public async Task NoInputEndsAtOnce()
    {
        Outcome outcome = await Chat("");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Out);
    }

    [Fact]
    public async Task TheLastLineNeedsNoEndAndEmptyLinesAreSkipped() => Assert.Single((await Chat("\n  \nWho are you?")).OutLines);

    [Fact]
    public async Task QuitEnds() => Assert.Single((await Chat("Who are you?\n/quit\nWho are you?\n")).OutLines);

    /// <summary>
    /// Between two questions, once the runtime has compiled what is used often and experts lie where they are used, however long that takes
    /// on a busy machine: less than 0.5 % of a core.
    /// </summary>
    [Theory]
    [InlineData("--device", "cpu")]
    [InlineData("--device", "vulkan", "--experts-on-gpu", "25%")]
    public async Task AnIdleModelTakesNoProcessorTime(params string[] options)
    {
        using Process chat = CommandLine.Start(["chat", CommandLine.ShippedModel, .. options]);
        Task<string> error = chat.StandardError.ReadToEndAsync();
        await chat.StandardInput.WriteLineAsync("Who are you?");
        await chat.StandardInput.FlushAsync();
        Assert.NotNull(await chat.StandardOutput.ReadLineAsync());
        TimeSpan least = TimeSpan.MaxValue, idle = TimeSpan.FromSeconds(4);
        for (int round = 0; round < 10 && least > idle * 0.005; round++)
        {
            chat.Refresh();
            TimeSpan before = chat.TotalProcessorTime;
            await Task.Delay(idle);
            chat.Refresh();
            least = TimeSpan.FromTicks(Math.Min(least.Ticks, (chat.TotalProcessorTime - before).Ticks));
        }
        Assert.InRange(least, TimeSpan.Zero, idle * 0.005);
        chat.StandardInput.Close();
        Assert.Equal(0, (await CommandLine.Ended(chat, chat.StandardOutput.ReadToEndAsync(), error)).ExitCode);
    }

    [Fact]
    public async Task ResetForgetsWhatWasSaid()
    {
        // Asked twice in a row the conversation differs; after a reset it is the first question again.
        string[] answers = (await Chat("My name is Selan.\nWhat is my name?\n/reset\nMy name is Selan.\nWhat is my name?\n")).OutLines;
        Assert.Equal(4, answers.Length);
        Assert.Equal(answers[0], answers[2]);
        Assert.Equal(answers[1], answers[3]);
    }

    [Fact]
    public async Task SystemSetsAndShowsThePersona()
    {
        Outcome outcome = await Chat("/system You are Mira, a cheerful baker from Oakvale.\n/system\nWho are you?\n");
        Assert.Contains("Mira", Assert.Single(outcome.OutLines));
        Assert.Contains("You are Mira, a cheerful baker from Oakvale.", outcome.ErrorLines);
    }

    [Fact]
    public async Task HelpListsTheCommandsAndAnUnknownOneSaysSo()
    {
        Outcome outcome = await Chat("/help\n/dance\n");
        Assert.Empty(outcome.Out);
        foreach (string command in new[] { "/system", "/reset", "/quit", "Ctrl-C" }) Assert.Contains(command, outcome.Error);
        Assert.Contains("/dance is not a command", outcome.Error);
    }

    [Fact]
    public async Task AConversationLongerThanTheContextGoesOn()
    {
        Outcome outcome =
            await Chat(string.Concat(Enumerable.Repeat("Where is the old mill, and what else can you tell me about it?\n", 40)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(40, outcome.OutLines.Length);
    }

    [Fact]
    public async Task AQuestionLongerThanTheContextIsRefusedAndTheNextAnswered()
    {
        Outcome outcome = await Chat($"{string.Join(' ', Enumerable.Repeat("mill", 600))}\nWho are you?\n");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Single(outcome.OutLines);
        Assert.Contains(outcome.ErrorLines, line => line.Contains("context", StringComparison.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task InterruptOnceWarnsTwiceEnds()
    {
        if (!OperatingSystem.IsLinux()) return; // sends a signal through Linux's own tools
        using Process process = CommandLine.StartInterruptible("chat", "--device", "cpu");
        try
        {
            Assert.StartsWith("device: ", await process.StandardError.ReadLineAsync());
            await process.StandardInput.WriteLineAsync("Who are you?");
            Assert.Contains("Brannor", await process.StandardOutput.ReadLineAsync());
            await process.StandardInput.WriteLineAsync("/dance");
            Assert.Contains("/dance", await process.StandardError.ReadLineAsync()); // so the answer is over, and now it waits for a line
            CommandLine.Interrupt(process);
            Assert.Equal("", await process.StandardError.ReadLineAsync());
            Assert.Contains("again", await process.StandardError.ReadLineAsync());
            Assert.False(process.HasExited);
            CommandLine.Interrupt(process);
            Outcome outcome =
                await CommandLine.Ended(process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            Assert.Equal(130, outcome.ExitCode);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private static Task<Outcome> Chat(string input) => CommandLine.Run(input, ["chat", "--device", "cpu"]);
}
