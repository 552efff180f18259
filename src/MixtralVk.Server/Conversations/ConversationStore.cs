using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MixtralVk.SaveGames;
using MixtralVk.Server.Api;

namespace MixtralVk.Server.Conversations;

/// <summary>
/// Conversations kept in a folder, each in a file of the form in which games keep their characters: read when it is gone on with, written
/// when an answer has ended, erased when somebody says so or when nobody has gone on with it for hours. Nothing of them is kept in memory.
/// Thread-safe.
/// </summary>
internal sealed partial class ConversationStore(ServerOptions options, ILogger<ConversationStore> log) : BackgroundService
{
    private const string Extension = ".save";
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, KeptConversation> _open = new(StringComparer.Ordinal); // by file

    /// <summary>True where conversations can be kept.</summary>
    public bool Keeps => options.ConversationFolder is not null;

    /// <summary>Makes the folder, which only its owner may read. Throws <see cref="ServerException"/> where it cannot be written.</summary>
    public static void Prepare(string folder)
    {
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Create(Path.Combine(folder, Path.GetRandomFileName()), 1, FileOptions.DeleteOnClose).Dispose();
            // Of a process that was killed as it wrote.
            foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles($"*{Extension}.*.tmp")) file.Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerException($"Conversations cannot be kept in {folder}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Opens a conversation to go on with it, an empty one where there is none. Throws <see cref="ApiException"/> where it is open already,
    /// or damaged.
    /// </summary>
    public KeptConversation Open(ConversationName name, MixtralModel model)
    {
        if (!Keeps) throw ApiException.Invalid("This server keeps no conversations (ConversationFolder).", "conversation");
        string file = FileOf(name);
        var opened = new KeptConversation(this, file, name.Given, model);
        lock (_open)
            if (!_open.TryAdd(file, opened)) throw ApiException.Locked(name.Given);
        try
        {
            opened.Said = Read(file) ?? [];
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>What was said in a conversation; null where there is none. Throws <see cref="ApiException"/> where it is damaged.</summary>
    public IReadOnlyList<ChatMessage>? Read(ConversationName name) => Keeps ? Read(FileOf(name)) : null;

    /// <summary>Erases a conversation; an answer in progress will not be kept.</summary>
    public void Erase(ConversationName name)
    {
        if (!Keeps) return;
        string file = FileOf(name);
        lock (_open)
        {
            _open.GetValueOrDefault(file)?.Abandon();
            File.Delete(file);
        }
    }

    /// <summary>Waits until the answers in progress are kept.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        while (IsOpen()) await Task.Delay(20, CancellationToken.None).ConfigureAwait(false);

        bool IsOpen()
        {
            lock (_open) return _open.Count > 0;
        }
    }

    /// <summary>Ends what <see cref="Open"/> began.</summary>
    internal void Close(string file)
    {
        lock (_open) _open.Remove(file);
    }

    /// <summary>Tells the log that an answer could not be kept.</summary>
    [LoggerMessage(Level = LogLevel.Error, Message = "A conversation cannot be kept: {Reason}")]
    internal partial void NotKept(string reason);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!Keeps) return;
        using var timer = new PeriodicTimer(s_lookEvery);
        do EraseOld();
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
    }

    private void EraseOld()
    {
        DateTime oldest = DateTime.UtcNow - TimeSpan.FromHours(options.ConversationHours);
        try
        {
            foreach (FileInfo file in new DirectoryInfo(options.ConversationFolder!).EnumerateFiles($"*{Extension}")
                .Where(file => file.LastWriteTimeUtc < oldest))
                lock (_open)
                    if (!_open.ContainsKey(file.FullName)) file.Delete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NotErased(e.Message);
        }
    }

    private IReadOnlyList<ChatMessage>? Read(string file)
    {
        try
        {
            return [.. CharacterSave.Read(file).History];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is SaveGameException or IOException or UnauthorizedAccessException)
        {
            NotRead(file, e.Message);
            throw new ApiException(StatusCodes.Status500InternalServerError, "server_error", "conversation_damaged", "conversation",
                "What was kept of this conversation cannot be read; the log says why. It can be erased.");
        }
    }

    private string FileOf(ConversationName name) => Path.Combine(Path.GetFullPath(options.ConversationFolder!), name.Unique + Extension);

    [LoggerMessage(Level = LogLevel.Error, Message = "{File} cannot be read: {Reason}")]
    private partial void NotRead(string file, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old conversations cannot be erased: {Reason}")]
    private partial void NotErased(string reason);
}
