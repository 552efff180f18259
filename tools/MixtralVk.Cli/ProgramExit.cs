using System.CommandLine;
using MixtralVk.Bench;
using MixtralVk.Gpu;

namespace MixtralVk.Cli;

/// <summary>Turns how a command ends into an exit code and at most one sentence on stderr.</summary>
internal static class ProgramExit
{
    public const int Success = 0, Failure = 1, Usage = 2, Interrupted = 130;

    /// <summary>Runs what was parsed: 0, 1 when the command failed, 2 when the command line is wrong, 130 after Ctrl-C.</summary>
    public static async Task<int> RunAsync(ParseResult parsed)
    {
        if (parsed.Errors.Count > 0) return Explain(parsed);
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
        // The chat has its own Ctrl-C: the first one only stops an answer. The server's lets running answers end.
        if (parsed.CommandResult.Command.Name is Commands.ChatCommand.Name or Commands.ServeCommand.Name)
            invocation.ProcessTerminationTimeout = null;
        try
        {
            return await parsed.InvokeAsync(invocation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (BenchException e)
        {
            foreach (string detail in e.Details) Tell(detail);
            return Fail(e.Message);
        }
        catch (Exception e) when (e is MixtralException or GpuException or IOException or UnauthorizedAccessException)
        {
            return Fail(e.Message);
        }
    }

    private static int Explain(ParseResult parsed)
    {
        // A word nobody knows says more than what is missing because of it; the parser lists it last.
        string problem = parsed.UnmatchedTokens.Count > 0 ? parsed.Errors[^1].Message : parsed.Errors[0].Message;
        Tell($"mixtralvk: {problem}");
        string command = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
        Tell($"Try: mixtralvk{command} --help");
        return Usage;
    }

    private static int Fail(string message)
    {
        Tell($"mixtralvk: {message.TrimEnd('.')}.");
        return Failure;
    }

    private static void Tell(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // stderr is closed, or on a full disk: the exit code is all that is left to say it with.
        }
    }
}
