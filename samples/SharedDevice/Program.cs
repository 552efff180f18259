// A game that computes its frames on a Vulkan device of its own and lends that device to a model: what a whole frame costs with nobody speaking, and
// with a character that speaks all the time. Argument: seconds of each.
using System.Diagnostics;
using System.Globalization;
using MixtralVk;

double seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 5;
using var game = new Game();
using MixtralModel model = MixtralModel.Load(Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf"), new MixtralOptions { HostDevice = game.Lend(), ContextLength = 512 });
Console.WriteLine(model.Device);
Play(0.5); // the first frames compile

double[] silent = Play(seconds);
using var walksAway = new CancellationTokenSource();
var clock = Stopwatch.StartNew();
Task<int> speech = Task.Run(() => Speak(walksAway.Token));
double[] talking = Play(seconds);
double talked = clock.Elapsed.TotalSeconds;
walksAway.Cancel();
int tokens = await speech;

Console.WriteLine("whole frame, ms     median    p99");
Report("AI off", silent);
Report("AI on", talking);
Console.WriteLine($"{tokens / talked:F0} tokens/s");

// Frames at 60 Hz; the milliseconds from the begin of each to its end on the device.
double[] Play(double length)
{
    var frames = new List<double>();
    long start = Stopwatch.GetTimestamp();
    for (int frame = 1; Stopwatch.GetElapsedTime(start).TotalSeconds < length; frame++)
    {
        long begin = Stopwatch.GetTimestamp();
        game.Frame();
        frames.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        TimeSpan rest = TimeSpan.FromSeconds(frame / 60.0) - Stopwatch.GetElapsedTime(start);
        if (rest > TimeSpan.Zero) Thread.Sleep(rest);
    }
    return [.. frames.Order()];
}

int Speak(CancellationToken stop)
{
    int count = 0;
    while (!stop.IsCancellationRequested)
    {
        using Chat mira = model.StartChat("You are Mira, a kind baker from Oakvale.", new GenerationOptions { Temperature = 0.7f });
        foreach (string _ in mira.Ask("What is new in the village?", cancellationToken: stop)) count++;
    }
    return count;
}

static void Report(string what, double[] frames) =>
    Console.WriteLine($"{what,-18} {frames[frames.Length / 2],8:F2} {frames[frames.Length * 99 / 100],8:F2}");
