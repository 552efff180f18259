// A game that computes its frames on a Vulkan device of its own and lends that device to a model: what a whole frame costs with nobody
// speaking, and with a character that speaks all the time, in the milliseconds that each frame grants it. Arguments: seconds of each,
// milliseconds per frame, a model file.
using System.Diagnostics;
using System.Globalization;
using MixtralVk;

if (!TryArgument(0, 5, out double seconds) || !TryArgument(1, 4, out double granted))
{
    Console.Error.WriteLine("usage: SharedDevice [SECONDS [MILLISECONDS [MODEL]]]");
    return 2;
}
string file = args.Length > 2 ? args[2] : Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf");
using var game = new Game();
using MixtralModel model =
    MixtralModel.Load(file, new MixtralOptions { HostDevice = game.Lend(), Pacing = Pacing.PerFrame, ContextLength = 512 });
using Chat mira = model.StartChat("You are Mira, a kind baker from Oakvale.", new GenerationOptions { Temperature = 0.7f });
int tokens = 0;
Console.WriteLine(model.Device);
Play(0.5); // the first frames compile

double[] silent = Play(seconds);
Speak();
long began = Stopwatch.GetTimestamp();
double[] talking = Play(seconds);
double tokensPerSecond = tokens / Stopwatch.GetElapsedTime(began).TotalSeconds;

Console.WriteLine("whole frame, ms     median    p99");
Report("AI off", silent);
Report($"AI on, {granted} ms", talking);
Console.WriteLine($"{tokensPerSecond:F0} tokens/s");
return 0;

// Frames at 60 Hz; the milliseconds from the begin of each to its end on the device. What Mira says comes in the tick, on this thread.
double[] Play(double length)
{
    var frames = new List<double>();
    long start = Stopwatch.GetTimestamp();
    for (int frame = 1; Stopwatch.GetElapsedTime(start).TotalSeconds < length; frame++)
    {
        long begin = Stopwatch.GetTimestamp();
        model.Tick(new FrameBudget(granted, granted));
        game.Frame();
        frames.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        TimeSpan rest = TimeSpan.FromSeconds(frame / 60.0) - Stopwatch.GetElapsedTime(start);
        if (rest > TimeSpan.Zero) Thread.Sleep(rest);
    }
    return [.. frames.Order()];
}

// She begins anew as soon as she has ended.
void Speak() => mira.Ask("What is new in the village?").ReadInTick((_, _) => tokens++, _ =>
{
    mira.Reset();
    Speak();
});

static void Report(string what, double[] frames) =>
    Console.WriteLine($"{what,-18} {frames[frames.Length / 2],8:F2} {frames[frames.Length * 99 / 100],8:F2}");

bool TryArgument(int index, double usual, out double value)
{
    value = usual;
    return args.Length <= index || double.TryParse(args[index], CultureInfo.InvariantCulture, out value) && value is > 0 and < 86400;
}
