using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MixtralVk.Server.Api;

namespace MixtralVk.Server;

/// <summary>The server as a program of its own.</summary>
public static class MixtralServer
{
    /// <summary>
    /// Makes the server, which has yet to be started. Throws <see cref="ServerException"/> for settings that cannot be used.
    /// </summary>
    public static WebApplication Create(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (!options.IsLoopback && options.ApiKeyFile is null)
            throw new ServerException(
                $"The server would listen on {options.Host}, which others can reach: give it API keys (ApiKeyFile), or let it listen on localhost.");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.StopSeconds));
        if (options.JsonLog) builder.Logging.AddJsonConsole();
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        X509Certificate2? certificate = options.CertificateFile is null
            ? null : Certificate.Read(options.CertificateFile, options.CertificateKeyFile, options.CertificatePassword);
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, certificate));
        builder.Services.AddSystemd().AddWindowsService();
        builder.Services.AddHostedService<Watchdog>();
        builder.Services.AddMixtralVk(options);
        WebApplication app = builder.Build();
        app.UseStatusCodePages(Gate.ExplainStatusAsync);
        app.MapMixtralVk();
        return app;
    }

    /// <summary>
    /// Serves until the process is told to stop; throws what kept the model from being loaded, and <see cref="IOException"/> or
    /// <see cref="ServerException"/> where it cannot listen.
    /// </summary>
    public static async Task RunAsync(ServerOptions options, CancellationToken cancellationToken = default)
    {
        await using WebApplication app = Create(options);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw new ServerException($"The server cannot listen on {options.Host}, port {options.Port}: {e.Message}.", e);
        }
        await app.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
        if (app.Services.GetRequiredService<ServedModel>().Problem is { } problem) throw problem;
    }

    private static void Listen(KestrelServerOptions kestrel, ServerOptions options, X509Certificate2? certificate)
    {
        kestrel.AddServerHeader = false;
        if (options.Host == "*") kestrel.ListenAnyIP(options.Port, Secure);
        else if (IPAddress.TryParse(options.Host, out IPAddress? address)) kestrel.Listen(address, options.Port, Secure);
        else if (options.Port == 0) kestrel.Listen(IPAddress.Loopback, 0, Secure); // a free port can be found for one address only
        else kestrel.ListenLocalhost(options.Port, Secure);

        void Secure(ListenOptions listen)
        {
            if (certificate is not null) listen.UseHttps(certificate);
        }
    }
}
