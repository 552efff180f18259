using System.Diagnostics;
using MixtralVk.Testing;

namespace MixtralVk.Server.Tests;

/// <summary>
/// Clients from outside .NET: OpenAI's package for Node.js, and the pages in Chromium. What they need: <c>tools/setup.sh --browser
/// --node</c> and <c>npm ci --prefix tests/MixtralVk.Server.Tests/clients</c>.
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

    [Fact]
    public async Task Requests_damaged_in_every_way_are_refused_or_cut_off()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixtralvk-conversations-");
        try
        {
            ServerOptions options = RunningServer.Options();
            options.ConversationFolder = folder.FullName;
            await using RunningServer server = await RunningServer.StartAsync(options);
            Assert.Contains("\"lastStatus\":200", await Node(server, "fuzz.mjs", server.Address.ToString(), "2000"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task Run(string file, RunningServer server)
    {
        string output = await Node(server, "--test", "--test-reporter=tap", file);
        Assert.Contains("# pass", output);
        Assert.DoesNotContain("# pass 0", output);
    }

    /// <summary>What a script writes; it must end well.</summary>
    private static async Task<string> Node(RunningServer server, params string[] arguments)
    {
        var start = new ProcessStartInfo("node", arguments)
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
        return await output;
    }
}
