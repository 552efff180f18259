// Fuzzes the parsers of files from strangers. Called by tools/fuzz.sh: MINUTES CORPUS [PARSER] [SEED]. Prints what was run per parser, and
// ends with 1 when something was found; each found input lies in CORPUS/PARSER, where a test runs it from then on.
using System.Diagnostics;
using System.Globalization;
using MixtralVk.Testing.Fuzzing;

if (args.Length < 2 || !double.TryParse(args[0], CultureInfo.InvariantCulture, out double minutes) || minutes <= 0)
{
    Console.Error.WriteLine($"usage: fuzz MINUTES CORPUS [{string.Join('|', FuzzTarget.All.Select(t => t.Name))}] [SEED]");
    return 2;
}
FuzzTarget[] targets = [.. FuzzTarget.All.Where(target => args.Length < 3 || args[2] is "all" || args[2] == target.Name)];
if (targets.Length == 0)
{
    Console.Error.WriteLine($"'{args[2]}' is no parser; these are: {string.Join(", ", FuzzTarget.All.Select(t => t.Name))}.");
    return 2;
}
int seed = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : Environment.TickCount;
Console.WriteLine($"seed {seed}");
int found = 0;
foreach (FuzzTarget target in targets)
{
    using var fuzzer = new Fuzzer(target, Path.Combine(args[1], target.Name), seed);
    long start = Stopwatch.GetTimestamp();
    TimeSpan share = TimeSpan.FromMinutes(minutes / targets.Length);
    while (Stopwatch.GetElapsedTime(start) < share) fuzzer.Step();
    Console.WriteLine(fuzzer.Summary(Stopwatch.GetElapsedTime(start)));
    found += fuzzer.Found;
}
return found == 0 ? 0 : 1;
