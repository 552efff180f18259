using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace MixtralVk.Cli.Tests;

/// <summary>How a run of the command ended.</summary>
internal sealed record Outcome(int ExitCode, string Out, string Error)
{
    public string[] OutLines => Lines(Out);
    public string[] ErrorLines => Lines(Error);

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>Runs the built command as a process.</summary>
internal static class CommandLine
{
    private static readonly string Directory =
        typeof(CommandLine).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "CommandDirectory").Value!;

    public static string Executable { get; } = Path.Combine(Directory, OperatingSystem.IsWindows() ? "mixtralvk.exe" : "mixtralvk");

    public static string ShippedModel { get; } = Path.Combine(Directory, "models", "hearth-8x1m-q4_0.gguf");

    public static Task<Outcome> Run(params string[] arguments) => Run("", arguments);

    public static Task<Outcome> Run(string input, string[] arguments, params ReadOnlySpan<(string Name, string Value)> environment) =>
        Run(Start(arguments, environment), input);

    /// <summary>Runs it from a shell that adds <paramref name="redirection"/>.</summary>
    public static Task<Outcome> Shell(string redirection, params string[] arguments)
    {
        ProcessStartInfo start = Redirected("/bin/sh");
        foreach (string argument in (string[])["-c", $"\"$0\" \"$@\" {redirection}", Executable, .. arguments])
            start.ArgumentList.Add(argument);
        return Run(Process.Start(start)!, "");
    }

    /// <summary>Starts it where no file may become longer than 1 KiB, as on a disk that is full.</summary>
    public static Process StartOnFullDisk(string[] arguments, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        ProcessStartInfo start = Redirected("/bin/bash");
        foreach (string argument in (string[])["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", Executable, .. arguments])
            start.ArgumentList.Add(argument);
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // or the runtime itself would need such a file
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static async Task<Outcome> Run(Process started, string input)
    {
        using Process process = started;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await Feed(process, input);
        return await Ended(process, output, error);
    }

    /// <summary>
    /// Starts it with Ctrl-C in force, even where this test run was started with Ctrl-C ignored, as in the background of a script.
    /// </summary>
    public static Process StartInterruptible(params string[] arguments)
    {
        ProcessStartInfo start = Redirected("/usr/bin/env");
        foreach (string argument in (string[])["--default-signal=INT", Executable, .. arguments]) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public static Process Start(string[] arguments, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        ProcessStartInfo start = Redirected(Executable);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static ProcessStartInfo Redirected(string program) => new(program)
    {
        RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        StandardInputEncoding = new UTF8Encoding(false), StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8,
    };

    public static async Task<Outcome> Ended(Process process, Task<string> output, Task<string> error)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The command did not end. It wrote: {await output}\n{await error}");
        }
        return new Outcome(process.ExitCode, await output, await error);
    }

    /// <summary>A command that fails says so in one sentence on stderr, with nothing on stdout and no stack trace.</summary>
    public static void AssertFailed(Outcome outcome, params string[] mentions)
    {
        Assert.Equal(1, outcome.ExitCode);
        string message = Assert.Single(outcome.ErrorLines, line => line.StartsWith("mixtralvk: ", StringComparison.Ordinal));
        Assert.Equal(message, outcome.ErrorLines[^1]);
        Assert.EndsWith(".", message);
        Assert.DoesNotContain("   at ", outcome.Error);
        Assert.DoesNotContain("Exception", outcome.Error);
        Assert.Empty(outcome.Out);
        foreach (string mention in mentions) Assert.Contains(mention, message);
    }

    /// <summary>A wrong command line: exit code 2, what is wrong and where help is.</summary>
    public static void AssertUsageError(Outcome outcome, params string[] mentions)
    {
        Assert.Equal(2, outcome.ExitCode);
        Assert.Empty(outcome.Out);
        Assert.Equal(2, outcome.ErrorLines.Length);
        Assert.StartsWith("Try: mixtralvk", outcome.ErrorLines[1]);
        foreach (string mention in mentions) Assert.Contains(mention, outcome.ErrorLines[0]);
    }

    /// <summary>Sends Ctrl-C.</summary>
    public static void Interrupt(Process process) => Assert.True(TryInterrupt(process));

    /// <summary>The same; false where the process has ended already.</summary>
    public static bool TryInterrupt(Process process) => kill(process.Id, 2) == 0;

    private static async Task Feed(Process process, string input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException) when (process.HasExited)
        {
            // It ended without reading: its exit code and message are what the test looks at.
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);
}
