using Microsoft.Extensions.Hosting;
using MixtralVk.Server.Json;

namespace MixtralVk.Server;

/// <summary>The last minutes of operation, for the operator's page. Thread-safe.</summary>
internal sealed class LoadHistory(ServerOptions options, ServedModel model, ServerMetrics metrics) : BackgroundService
{
    private const int Seconds = 300;
    private readonly Queue<LoadSample> _samples = new(Seconds);
    private long _generated;

    /// <summary>What there is to show now.</summary>
    public OperationState State
    {
        get
        {
            MixtralModel? loaded = model.Sessions?.Model;
            LoadSample[] samples;
            lock (_samples) samples = [.. _samples];
            (double[] first, double[] next) = metrics.LatestLatencies();
            return new OperationState(options.ModelId, loaded?.Device.Description, options.Seats, options.QueueLimit, loaded?.Memory.TotalBytes ?? 0,
                metrics.Requests, metrics.Refused, metrics.PromptTokens, metrics.CachedTokens, samples, first, next);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            long generated = metrics.GeneratedTokens;
            var sample = new LoadSample(generated - _generated, model.Sessions?.Active ?? 0, model.Sessions?.Queued ?? 0, Environment.WorkingSet);
            _generated = generated;
            lock (_samples)
            {
                if (_samples.Count == Seconds) _samples.Dequeue();
                _samples.Enqueue(sample);
            }
        }
    }
}
