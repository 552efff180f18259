using Microsoft.Extensions.Hosting;
using MixtralVk.Experts;
using MixtralVk.Server.Json;

namespace MixtralVk.Server;

/// <summary>The last minutes of operation, for the operator's page. Thread-safe.</summary>
internal sealed class LoadHistory(ServerOptions options, ServedModel model, ServerMetrics metrics) : BackgroundService
{
    private const int Seconds = 300;
    private readonly Queue<LoadSample> _samples = new(Seconds);
    private long _generated, _hits, _misses;

    /// <summary>What there is to show now.</summary>
    public OperationState State
    {
        get
        {
            MixtralModel? loaded = model.Sessions?.Model;
            LoadSample[] samples;
            lock (_samples) samples = [.. _samples];
            (double[] first, double[] next) = metrics.LatestLatencies();
            return new OperationState(options.ModelId, loaded?.Device.Description, options.Seats, options.QueueLimit,
                loaded?.Memory.TotalBytes ?? 0,
                metrics.Requests, metrics.Refused, metrics.PromptTokens, metrics.CachedTokens, samples, first, next);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            long generated = metrics.GeneratedTokens;
            var sample = new LoadSample(generated - _generated, model.Sessions?.Active ?? 0, model.Sessions?.Queued ?? 0,
                Environment.WorkingSet, ExpertHitRate());
            _generated = generated;
            lock (_samples)
            {
                if (_samples.Count == Seconds) _samples.Dequeue();
                _samples.Enqueue(sample);
            }
        }
    }

    /// <summary>The share of hits since the last call; null where there was neither hit nor miss.</summary>
    private double? ExpertHitRate()
    {
        IReadOnlyList<LayerActivity> layers = model.Sessions?.Model.ExpertActivity ?? [];
        (long hits, long misses) = (layers.Sum(layer => layer.Hits), layers.Sum(layer => layer.Misses));
        (long newHits, long newMisses) = (hits - _hits, misses - _misses);
        (_hits, _misses) = (hits, misses);
        return newHits + newMisses > 0 ? (double)newHits / (newHits + newMisses) : null;
    }
}
