namespace MixtralVk.Gpu.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mixtralvk-atomic").FullName;

    private string Target => Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_takes_the_place_of_what_was_there()
    {
        AtomicFile.Write(Target, [1, 2, 3]);
        AtomicFile.Write(Target, [4]);
        Assert.Equal([4], File.ReadAllBytes(Target));
        AtomicFile.Write(
            Target,
            stream =>
            {
                RandomAccess.Write(stream.SafeFileHandle, [6], 1);
                RandomAccess.Write(stream.SafeFileHandle, [5], 0);
            },
            expectedBytes: 2);
        Assert.Equal([5, 6], File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_failure_on_the_way_keeps_the_old_file_and_leaves_nothing_else()
    {
        AtomicFile.Write(Target, [1]);
        Exception[] problems = [new IOException("No space left on device") { HResult = 28 }, new InvalidDataException("bad"),
            new OperationCanceledException()];
        foreach (Exception problem in problems)
        {
            Exception thrown = Assert.ThrowsAny<Exception>(() => AtomicFile.Write(Target, stream =>
            {
                stream.Write(new byte[100_000]);
                throw problem;
            }));
            Assert.Same(problem, thrown.InnerException ?? thrown);
            Assert.Equal([1], File.ReadAllBytes(Target));
            Assert.Equal([Target], Directory.GetFiles(_folder));
        }
        IOException full = Assert.Throws<IOException>(() => AtomicFile.Write(Target, _ => throw problems[0]));
        Assert.Equal($"{Target} cannot be written: No space left on device.", full.Message);
        Assert.Equal(28, full.HResult);
    }

    [Fact]
    public void A_path_that_cannot_be_written_is_named()
    {
        foreach (string path in (string[])[_folder, Path.Combine(_folder, "none", "file")])
        {
            IOException problem = Assert.Throws<IOException>(() => AtomicFile.Write(path, [1]));
            Assert.StartsWith($"{path} cannot be written: ", problem.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(".tmp", problem.Message, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task Writers_at_the_same_time_leave_one_whole_file_and_readers_never_see_another()
    {
        const int writers = 4, rounds = 50;
        AtomicFile.Write(Target, Content(0));
        using var done = new CancellationTokenSource();
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task reader = Task.Factory.StartNew(() =>
        {
            for (; !done.IsCancellationRequested; reading.TrySetResult()) AssertWhole(File.ReadAllBytes(Target));
        }, default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAny(reading.Task, reader); // before the first writer
        Parallel.For(0, writers, new ParallelOptions { MaxDegreeOfParallelism = writers }, writer =>
        {
            for (int i = 0; i < rounds; i++) AtomicFile.Write(Target, Content(writer * rounds + i));
        });
        await done.CancelAsync();
        await reader;
        AssertWhole(File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.GetFiles(_folder));

        static byte[] Content(int i) => [.. Enumerable.Repeat((byte)i, 5000 + 100 * i)];

        static void AssertWhole(byte[] bytes)
        {
            Assert.Equal(5000 + 100 * bytes[0], bytes.Length);
            Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept(bytes[0]));
        }
    }

    [Fact]
    public void Files_in_memory_are_no_devices()
    {
        if (!Directory.Exists("/dev/shm")) return; // elsewhere than on Linux
        string path = $"/dev/shm/{Path.GetRandomFileName()}";
        AtomicFile.Write(path, [1, 2, 3]);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        File.Delete(path);
    }

    [Fact]
    public void A_device_is_written_to_and_stays_one()
    {
        if (OperatingSystem.IsWindows()) return; // it has none among its files
        AtomicFile.Write("/dev/null", [1, 2, 3]);
        Assert.Equal(0, new FileInfo("/dev/null").Length);
        Assert.StartsWith("/dev/full cannot be written: ", Assert.Throws<IOException>(() => AtomicFile.Write("/dev/full", [1])).Message,
            StringComparison.Ordinal);
    }
}
