using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MixtralVk.Gpu;

namespace MixtralVk.Server.Kiosk;

/// <summary>
/// The operator's texts, searchable; read again when a file changes. Until the vectors of all passages are there, words alone count.
/// </summary>
/// <param name="folder">The texts; null for none.</param>
/// <param name="vectorWeight">What vectors count beside words; 0 makes none.</param>
/// <param name="embedder">Makes the vectors.</param>
/// <param name="log">Where it says what it has read.</param>
internal sealed partial class Knowledge(string? folder, double vectorWeight, Embedder embedder, ILogger<Knowledge> log) : BackgroundService
{
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromSeconds(2);

    private Shelf _shelf = new([], 0);
    private string _signature = "";
    private Dictionary<Passage, float[]> _vectors = []; // of the passages that there are, and while they are made, of those that there were

    /// <summary>What can be found now.</summary>
    public Shelf Shelf => Volatile.Read(ref _shelf);

    /// <summary>Reads the texts before the server answers, and throws where they cannot be read.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (folder is not null) Read(folder, Signature(folder));
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (folder is null) return;
        using var timer = new PeriodicTimer(s_lookEvery);
        do
        {
            try
            {
                string signature = Signature(folder);
                if (signature != _signature) Read(folder, signature);
                if (vectorWeight > 0 && Shelf.Vectors is null) await EmbedAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Unreadable(folder, e.Message); // half written, perhaps; what was read before is still there
            }
            catch (Exception e) when (e is MixtralException or GpuException)
            {
                NotEmbedded(folder, e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private void Read(string folder, string signature)
    {
        Passage[] passages = [.. Passages.Files(folder)
            .SelectMany(file => Passages.Of(Path.GetFileNameWithoutExtension(file.Name), File.ReadAllText(file.FullName)))];
        Volatile.Write(ref _shelf, new Shelf(passages, vectorWeight));
        _signature = signature;
        Filled(passages.Length, folder);
    }

    /// <summary>
    /// Makes the vectors that are missing, for as long as the folder need not be looked at. Visitors have their turn between two passages.
    /// </summary>
    private async Task EmbedAsync(CancellationToken cancellationToken)
    {
        Shelf shelf = Shelf;
        long start = Stopwatch.GetTimestamp();
        foreach (Passage passage in shelf.Passages)
        {
            if (_vectors.ContainsKey(passage)) continue;
            if (Stopwatch.GetElapsedTime(start) > s_lookEvery
                || await embedder.TryEmbedAsync(passage.Searched, cancellationToken).ConfigureAwait(false) is not { } vector) return;
            _vectors.Add(passage, vector);
        }
        _vectors = shelf.Passages.Distinct().ToDictionary(passage => passage, passage => _vectors[passage]);
        Volatile.Write(ref _shelf, shelf with { Vectors = new VectorIndex([.. shelf.Passages.Select(passage => _vectors[passage])]) });
        Embedded(shelf.Passages.Count, folder!);
    }

    /// <summary>Changes when a file is added, removed or written.</summary>
    private static string Signature(string folder) =>
        string.Join('\n', Passages.Files(folder).Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}"));

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} passages from {Folder}")]
    private partial void Filled(int count, string folder);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} passages from {Folder} have their vectors")]
    private partial void Embedded(int count, string folder);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} cannot be read: {Reason}")]
    private partial void Unreadable(string folder, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} is searched by words alone, as vectors cannot be made: {Reason}")]
    private partial void NotEmbedded(string folder, string reason);
}
