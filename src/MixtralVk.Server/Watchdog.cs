using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace MixtralVk.Server;

/// <summary>
/// Tells systemd that the server is well, as long as it is: a unit with <c>WatchdogSec</c> is started again when it hears nothing. Not well
/// is a server with a request that is answered for longer than any may take.
/// </summary>
internal sealed class Watchdog(ServerOptions options, ServedModel model) : BackgroundService
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(60);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var systemd = new SystemdNotifier();
        if (!systemd.IsEnabled || !long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), NumberStyles.None,
            CultureInfo.InvariantCulture, out long microseconds) || microseconds <= 0) return;
        using var timer = new PeriodicTimer(TimeSpan.FromMicroseconds(Math.Max(1000, microseconds / 2)));
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            if (model.Sessions is not { } sessions || sessions.LongestUse < TimeSpan.FromSeconds(options.RequestSeconds) + s_grace)
                systemd.Notify(new ServiceState("WATCHDOG=1"));
    }
}
