using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using MixtralVk.Testing.Fuzzing;

/// <summary>
/// Feeds one parser inputs: made anew by the format's rules, or changed from one in the pool. An input that ends in a way no earlier one
/// did joins the pool, so that damage goes on from where the parser got to. One seed gives one course.
/// </summary>
internal sealed class Fuzzer : IDisposable
{
    private const int PoolSize = 2000;
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);
    private const long MostGrowth = 1L << 30;

    private readonly FuzzTarget _target;
    private readonly string _corpus, _running;
    private readonly Random _random;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixtralvk-fuzz-");
    private readonly List<byte[]> _pool;
    private readonly HashSet<string> _outcomes = [], _problems = [];
    private readonly Timer _watchdog;
    private readonly long _memoryAtStart;
    private byte[] _input = [];
    private long _started, _count, _refused;

    public Fuzzer(FuzzTarget target, string corpus, int seed)
    {
        (_target, _corpus, _random) = (target, corpus, new Random(seed));
        _running = corpus + ".running";
        Directory.CreateDirectory(corpus);
        string[] earlier = Directory.GetFiles(corpus);
        Array.Sort(earlier, StringComparer.Ordinal);
        _pool = [.. target.Seeds, .. earlier.Select(File.ReadAllBytes)];
        _memoryAtStart = PrivateMemory();
        _watchdog = new Timer(_ => Watch(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Inputs that did something wrong, each kind once.</summary>
    public int Found => _problems.Count;

    /// <summary>Runs one input.</summary>
    public void Step()
    {
        byte[] input = _random.Next(4) == 0 ? _target.Generate(_random) : _target.Mutate(_random, Pick());
        if (input.Length > 1 << 20) input = input[..(1 << 20)];
        File.WriteAllBytes(_running, input); // should the process die, tools/fuzz.sh finds the input here
        Volatile.Write(ref _input, input);
        Interlocked.Exchange(ref _started, Stopwatch.GetTimestamp());
        FuzzCheck check = FuzzCheck.Run(_target, input, _folder.FullName);
        Interlocked.Exchange(ref _started, 0);
        _count++;
        if (check.Refused) _refused++;
        if (check.Problem is string problem && _problems.Add(problem.Split('\n') is [var first, var second, ..]
            ? first.Split(' ')[0] + second : problem.Split(' ')[0])) Save(input, problem);
        if (_outcomes.Add(check.Outcome) && _pool.Count < PoolSize) _pool.Add(input);
        else if (!check.Refused && check.Problem is null && _random.Next(50) == 0 && _pool.Count < PoolSize) _pool.Add(input);
        if (_count % 1000 == 0 && PrivateMemory() - _memoryAtStart > MostGrowth && _problems.Add("memory"))
            Save(input, $"the process grew by more than {MostGrowth} bytes");
    }

    public string Summary(TimeSpan time) => string.Create(CultureInfo.InvariantCulture,
        $"{_target.Name}: {_count} inputs in {time.TotalMinutes:0.0} min, {_refused} refused, {_outcomes.Count} kinds of outcome, {Found} found");

    public void Dispose()
    {
        _watchdog.Dispose();
        _folder.Delete(recursive: true);
        File.Delete(_running);
    }

    private byte[] Pick() => _pool[_random.Next(_pool.Count)];

    /// <summary>An input that never ends cannot be left, so it is saved and the process ends.</summary>
    private void Watch()
    {
        long started = Interlocked.Read(ref _started);
        if (started == 0 || Stopwatch.GetElapsedTime(started) < Hang) return;
        Save(Volatile.Read(ref _input), $"no end after {Hang.TotalSeconds} s");
        Environment.Exit(1);
    }

    private void Save(byte[] input, string problem)
    {
        string path = Path.Combine(_corpus, Convert.ToHexStringLower(SHA256.HashData(input))[..16]);
        File.WriteAllBytes(path, input);
        Console.WriteLine($"{_target.Name}: FOUND {path}: {problem}");
    }

    private static long PrivateMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PrivateMemorySize64;
    }
}
