using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MixtralVk.Loading;

namespace MixtralVk.Server;

/// <summary>
/// The model that is served: loaded when the host starts, while the server answers already, and freed when the host is disposed. A model
/// that cannot be loaded ends the host.
/// </summary>
internal sealed partial class ServedModel(ServerOptions options, IHostApplicationLifetime lifetime, ILogger<ServedModel> log)
    : BackgroundService
{
    private SessionPool? _sessions;

    /// <summary>Sessions of the model; null while it is loaded.</summary>
    public SessionPool? Sessions => Volatile.Read(ref _sessions);

    /// <summary>Why the model could not be loaded; the host stops then.</summary>
    public Exception? Problem { get; private set; }

    /// <summary>How much of the model is loaded, from 0 to 1.</summary>
    public double Progress { get; private set; }

    /// <summary>Unix time at which the model was ready.</summary>
    public long Created { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            int context = ContextOf(options.ModelFile);
            MixtralModel model = await MixtralModel.LoadAsync(options.ModelFile, new MixtralOptions
            {
                Device = options.Device,
                ContextLength = context,
                ExpertBudgetBytes = options.ExpertBudgetBytes,
                KvCacheTokens = (int)Math.Min((long)options.Seats * context, int.MaxValue), // more is refused for lack of memory
                PipelineCacheDirectory = options.PipelineCacheDirectory,
            }, new Watcher(this), stoppingToken).ConfigureAwait(false);
            Created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            Volatile.Write(ref _sessions, new SessionPool(model, options.Seats, options.QueueLimit));
            Loaded(options.ModelId, model.Device.Description, model.ContextLength, options.Seats);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Problem = e;
            Failed(options.ModelFile, e.Message);
            lifetime.ApplicationStarted.Register(lifetime.StopApplication); // a host that is still starting cannot be stopped
        }
    }

    private int ContextOf(string file)
    {
        using ModelSource source = ModelSource.Open(file);
        return options.ContextLength ?? Math.Min(MixtralOptions.DefaultContextLength, source.Config.ContextLength);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        if (_sessions is not null) await _sessions.DrainAsync(cancellationToken).ConfigureAwait(false);
    }

    public override void Dispose()
    {
        _sessions?.Dispose();
        base.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Model} is ready on {Device}: {Context} tokens of context, {Seats} seats")]
    private partial void Loaded(string model, string device, int context, int seats);

    [LoggerMessage(Level = LogLevel.Critical, Message = "{File} cannot be served: {Reason}")]
    private partial void Failed(string file, string reason);

    private sealed class Watcher(ServedModel model) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => model.Progress = value.TotalBytes > 0 ? (double)value.DoneBytes / value.TotalBytes : 0;
    }
}
