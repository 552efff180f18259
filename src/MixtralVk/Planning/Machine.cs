using System.Diagnostics;
using System.Numerics;
using MixtralVk.Cpu;
using MixtralVk.Gpu;
using MixtralVk.Loading;

namespace MixtralVk.Planning;

/// <summary>What of a machine decides how fast a model runs. Sizes in bytes, rates in bytes per second.</summary>
/// <param name="MainMemoryBytes">Main memory that may be taken.</param>
/// <param name="MemoryBytesPerSecond">How fast all threads together read it.</param>
/// <param name="FileBytesPerSecond">How fast the model's file is read: from memory where the system has it there, else from the
/// disk.</param>
/// <param name="VideoMemoryBytes">Memory of the GPU that the model may take; 0 where there is none.</param>
/// <param name="VideoBytesPerSecond">How fast the GPU reads it; null where it was not measured.</param>
/// <param name="LoadBytesPerSecond">How fast weights come from the file into fresh memory, in the form they are used in; null where it was
/// not measured: as fast as the file is read.</param>
public sealed record Machine(
    long MainMemoryBytes, double MemoryBytesPerSecond, double FileBytesPerSecond, long VideoMemoryBytes,
    double? VideoBytesPerSecond = null, double? LoadBytesPerSecond = null)
{
    private const ulong CopyBytes = 64 << 20;
    private const int MostBytesPerThread = 64 << 20, LeastBytesPerThread = 1 << 20;
    private const int Passes = 5;
    private const long MostFileBytes = 256 << 20;
    private const long MostLoadedBytes = 64 << 20;
    private const int ChunkBytes = 4 << 20;

    /// <summary>Measures this machine's processor and <paramref name="file"/> for some tenths of a second.</summary>
    /// <param name="file">The model.</param>
    /// <param name="threads">Threads of the CPU path; 0 takes one per processor.</param>
    /// <param name="videoMemoryBytes">Memory of the GPU that the model may take; 0 where there is none.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="ModelFileException">It is no model.</exception>
    public static Machine Measure(string file, int threads = 0, long videoMemoryBytes = 0)
    {
        if (threads == 0) threads = Environment.ProcessorCount;
        using ModelSource source = ModelSource.Open(file);
        return new(WeightPlacement.MainMemory, MemoryRate(threads), FileRate(file), videoMemoryBytes,
            LoadBytesPerSecond: LoadRate(source, threads));
    }

    /// <summary>
    /// Measures how fast a GPU reads its memory, for some tenths of a second: by copies on the device, of which reading is half.
    /// </summary>
    /// <exception cref="GpuException">The device has no 128 MiB left, or is lost.</exception>
    public static double MeasureVideo(GpuDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        using GpuBuffer from = device.CreateBuffer(CopyBytes, BufferUse.Device, "measured copy"),
            to = device.CreateBuffer(CopyBytes, BufferUse.Device, "measured copy");
        Recorder recorder = device.CreateRecorder();
        recorder.BeginStage("copy");
        recorder.Copy(from.View, to.View);
        using Recording copy = recorder.Finish("measured copy");
        double best = 0;
        for (int pass = 0; pass < Passes; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            device.Queue.Wait(device.Queue.Submit(copy, 0, 1));
            best = Math.Max(best, 2 * CopyBytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static unsafe double MemoryRate(int threads)
    {
        // Many processors may have little memory, as in a container.
        int bytes = (int)Math.Clamp(WeightPlacement.MainMemory / 8 / threads, LeastBytesPerThread, MostBytesPerThread)
            / LeastBytesPerThread * LeastBytesPerThread;
        using var memory = new NativeBuffer((long)threads * bytes);
        using var workers = new WorkerThreads(threads);
        new Span<byte>(memory.Pointer, bytes).Fill(1);
        for (int i = 1; i < threads; i++)
            new Span<byte>(memory.Pointer, bytes).CopyTo(new Span<byte>(memory.Pointer + (long)i * bytes, bytes));
        double best = 0;
        for (int pass = 0; pass < Passes; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            workers.Run(new Sum(memory.Pointer, bytes), threads);
            best = Math.Max(best, memory.Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private static double FileRate(string file)
    {
        using var handle = File.OpenHandle(file);
        var chunk = new byte[ChunkBytes];
        long done = 0, start = Stopwatch.GetTimestamp();
        for (int read; done < MostFileBytes && (read = RandomAccess.Read(handle, chunk, done)) > 0;) done += read;
        return done / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Loads matrices of the first layer as the CPU path does.</summary>
    private static double LoadRate(ModelSource source, int threads)
    {
        var matrices = new List<(MatrixRole Role, int Expert)>();
        long bytes = 0;
        for (int expert = 0; expert < Math.Max(1, source.Config.ExpertCount) && bytes < MostLoadedBytes; expert++)
            foreach (MatrixRole role in (ReadOnlySpan<MatrixRole>)[MatrixRole.GateProj, MatrixRole.UpProj, MatrixRole.DownProj])
            {
                matrices.Add((role, expert));
                bytes += source.Layout(role, 0, expert).Bytes;
            }
        using var tiles = new HostTiles(source, null, bytes);
        foreach ((MatrixRole role, int expert) in matrices) tiles.Add(role, 0, expert);
        long start = Stopwatch.GetTimestamp();
        tiles.Read(threads, null, CancellationToken.None);
        return bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Adds up a thread's memory, so that every word of it is read.</summary>
    private readonly unsafe struct Sum(byte* memory, int bytes) : IWork
    {
        public void Run(int item, int worker)
        {
            ulong* from = (ulong*)(memory + (long)item * bytes), end = from + bytes / sizeof(ulong);
            Vector<ulong> a = Vector<ulong>.Zero, b = a, c = a, d = a;
            int lanes = Vector<ulong>.Count;
            for (; from < end; from += 4 * lanes)
            {
                a += Vector.Load(from);
                b += Vector.Load(from + lanes);
                c += Vector.Load(from + 2 * lanes);
                d += Vector.Load(from + 3 * lanes);
            }
            if (a + b + c + d == Vector<ulong>.Zero) throw new InvalidOperationException("The memory was not filled.");
        }
    }
}
