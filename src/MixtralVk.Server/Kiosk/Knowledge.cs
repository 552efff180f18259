using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MixtralVk.Server.Kiosk;

/// <summary>The operator's texts, searchable; read again when a file changes.</summary>
internal sealed partial class Knowledge(string? folder, ILogger<Knowledge> log) : BackgroundService
{
    /// <summary>Share of a question that must be in a passage for the passage to be about it.</summary>
    private const double LeastCoverage = 0.5;

    private static readonly TimeSpan s_lookEvery = TimeSpan.FromSeconds(2);

    private Shelf _shelf = new([]);

    /// <summary>All passages.</summary>
    public IReadOnlyList<Passage> Passages => Volatile.Read(ref _shelf).Passages;

    /// <summary>The passages that are about a question, the best first.</summary>
    public IReadOnlyList<Passage> Search(string question, int count)
    {
        Shelf shelf = Volatile.Read(ref _shelf);
        (double Score, double Coverage)[] ranks = shelf.Index.Rank(question);
        return [.. Enumerable.Range(0, ranks.Length).Where(i => ranks[i].Coverage >= LeastCoverage).OrderByDescending(i => ranks[i].Score).Take(count).Select(i => shelf.Passages[i])];
    }

    /// <summary>Reads the texts before the server answers, and throws where they cannot be read.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (folder is not null) Read(Signature(folder));
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (folder is null) return;
        using var timer = new PeriodicTimer(s_lookEvery);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                string signature = Signature(folder);
                if (signature != _shelf.Signature) Read(signature);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Unreadable(folder, e.Message); // half written, perhaps; what was read before is still there
            }
        }
    }

    private void Read(string signature)
    {
        Passage[] passages = [.. Kiosk.Passages.Files(folder!).SelectMany(file => Kiosk.Passages.Of(Path.GetFileNameWithoutExtension(file.Name), File.ReadAllText(file.FullName)))];
        Volatile.Write(ref _shelf, new Shelf(passages) { Signature = signature });
        Filled(passages.Length, folder!);
    }

    /// <summary>Changes when a file is added, removed or written.</summary>
    private static string Signature(string folder) =>
        string.Join('\n', Kiosk.Passages.Files(folder).Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}"));

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} passages from {Folder}")]
    private partial void Filled(int count, string folder);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} cannot be read: {Reason}")]
    private partial void Unreadable(string folder, string reason);

    /// <summary>The passages of one state of the folder.</summary>
    private sealed class Shelf(IReadOnlyList<Passage> passages)
    {
        public IReadOnlyList<Passage> Passages => passages;

        public LexicalIndex Index { get; } = new([.. passages.Select(passage => $"{passage.Title} {passage.Text}")]);

        public string Signature { get; init; } = "";
    }
}
