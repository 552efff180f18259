using System.Diagnostics;
using MixtralVk.Testing;

namespace MixtralVk.Server.Tests;

/// <summary>
/// Clients from outside .NET: OpenAI's package for Node.js, and the pages in Chromium. What they need: <c>tools/setup.sh --browser --node</c> and
/// <c>npm ci --prefix tests/MixtralVk.Server.Tests/clients</c>.
/// </summary>
[Collection(nameof(SharedServer))]
public sealed class NodeTests(SharedServer shared)
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "tests", "MixtralVk.Server.Tests", "clients");

    [Fact]
    public Task OpenAis_package_is_served() => Run("openai.test.mjs", shared.Server);

    [Fact]
    public async Task The_pages_work_in_a_browser()
    {
        ServerOptions options = RunningServer.Options();
        options.KioskFile = Path.Combine(Repository.Root, "samples", "Kiosk", "kiosk.json");
        options.AnswerTokens = 300;
        await using RunningServer server = await RunningServer.StartAsync(options);
        await Run("page.test.mjs", server);
    }

    private static async Task Run(string file, RunningServer server)
    {
        var start = new ProcessStartInfo("node", ["--test", "--test-reporter=tap", file])
        {
            WorkingDirectory = s_folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["MIXTRALVK_ADDRESS"] = server.Address.ToString().TrimEnd('/') },
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await output + await error);
        Assert.Contains("# pass", await output);
        Assert.DoesNotContain("# pass 0", await output);
    }
}
