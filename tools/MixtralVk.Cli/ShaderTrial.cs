using MixtralVk.Bench;

namespace MixtralVk.Cli;

/// <summary>
/// A user's shader beside ours: compiled, checked against the reference and timed at each of our variants' constants; ours are timed once.
/// Without a filter only the shipped variants are taken.
/// </summary>
internal sealed class ShaderTrial(KernelBench bench, ModelShape model, IReadOnlyList<BenchCase> cases, string path,
    string? kernel, string? filter)
{
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(200); // editors write a file in several steps

    private readonly Dictionary<BenchCase, KernelResult> _ours = [];

    /// <summary>
    /// Runs once, or with <paramref name="watch"/> each time the file is saved; <paramref name="show"/> gives the exit code.
    /// </summary>
    public int Run(bool watch, Func<IReadOnlyList<KernelResult>, int> show, CancellationToken cancellation)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file {path}.");
        using ShaderCompiler compiler = ShaderCompiler.Find();
        if (!watch) return show(Try(compiler, cancellation));

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        using var watcher = new FileSystemWatcher(folder, Path.GetFileName(path));
        using var saved = new AutoResetEvent(false);
        watcher.Changed += (_, _) => saved.Set();
        watcher.Created += (_, _) => saved.Set();
        watcher.Renamed += (_, _) => saved.Set(); // many editors save aside and rename
        watcher.EnableRaisingEvents = true;
        while (true)
        {
            try
            {
                show(Try(compiler, cancellation));
            }
            catch (Exception e) when (e is BenchException or IOException)
            {
                foreach (string detail in (e as BenchException)?.Details ?? []) Console.Error.WriteLine(detail);
                Console.Error.WriteLine(e.Message);
            }
            Console.Error.WriteLine($"{DateTime.Now:HH:mm:ss} waiting for {path} to be saved; Ctrl-C ends");
            if (WaitHandle.WaitAny([saved, cancellation.WaitHandle]) == 1) throw new OperationCanceledException(cancellation);
            while (saved.WaitOne(Settle)) { }
        }
    }

    private List<KernelResult> Try(ShaderCompiler compiler, CancellationToken cancellation)
    {
        UserShader user = UserShader.Compile(compiler, path, kernel);
        BenchCase[] chosen = [.. cases.Where(c =>
            c.Shader == user.Kernel && (filter is null ? c.Note.Length > 0 || c.Variant.Length == 0 : c.Matches(filter)))];
        if (chosen.Length == 0) throw new BenchException($"No case of {user.Kernel} at the shapes of {model.Name} matches '{filter}'.");
        bench.Add(user);
        List<KernelResult> results = [];
        KernelProgress.Show(chosen.Length, step =>
        {
            bench.MeasureRoofs(cancellation);
            foreach (BenchCase one in chosen)
            {
                step(one.Name);
                cancellation.ThrowIfCancellationRequested();
                if (!_ours.ContainsKey(one)) _ours.Add(one, bench.Run(one, cancellation: cancellation));
                results.Add(_ours[one]);
                results.Add(bench.Run(one, user, cancellation));
            }
        });
        return results;
    }
}
