using System.CommandLine;
using System.Globalization;
using MixtralVk.Server;

namespace MixtralVk.Cli.Commands;

/// <summary>`serve [FILE]`: an OpenAI-style server, until Ctrl-C.</summary>
internal static class ServeCommand
{
    public const string Name = "serve";

    public static Command Create()
    {
        Argument<string?> file = new Argument<string?>("FILE")
            { Description = "A model, packed (.mvk) or GGUF; without it, and without one in the settings, the small one that comes with the program.", Arity = ArgumentArity.ZeroOrOne }.AsPath();
        var settings = new Option<string?>("--settings")
            { Description = "A JSON file of settings; environment variables and arguments count before it.", HelpName = "file" }.AsPath();
        var host = new Option<string?>("--host")
            { Description = "Address to listen on (localhost); * for all, which needs API keys.", HelpName = "address" };
        Option<int?> port = CommonOptions.Port();
        var keys = new Option<string?>("--api-key-file") { Description = "A file with one API key per line.", HelpName = "file" }.AsPath();
        Option<string> device = CommonOptions.Device();
        Option<int?> context = CommonOptions.Context();
        var command = new Command(Name, "Serve a model to OpenAI-style programs.") { file, settings, host, port, keys, device, context };
        command.SetAction((parsed, cancellation) =>
        {
            ServerOptions options = ServerSettings.Read(parsed.GetValue(settings), new Dictionary<string, string?>
            {
                [nameof(ServerOptions.ModelFile)] = parsed.GetValue(file),
                [nameof(ServerOptions.Host)] = parsed.GetValue(host),
                [nameof(ServerOptions.Port)] = parsed.GetValue(port)?.ToString(CultureInfo.InvariantCulture),
                [nameof(ServerOptions.ApiKeyFile)] = parsed.GetValue(keys),
                [nameof(ServerOptions.Device)] = parsed.GetResult(device) is { Implicit: false } ? parsed.GetValue(device) : null,
                [nameof(ServerOptions.ContextLength)] = parsed.GetValue(context)?.ToString(CultureInfo.InvariantCulture),
            });
            if (options.ModelFile.Length == 0)
            {
                options.ModelFile = ShippedModel.File;
                options.Temperature ??= ShippedModel.Temperature;
            }
            options.PipelineCacheDirectory ??= ModelLoading.PipelineCache();
            return MixtralServer.RunAsync(options, cancellation);
        });
        return command;
    }
}
