// A tavern at 60 frames a second: its guests talk all the time, within the milliseconds that each frame grants them.
using System.CommandLine;
using MixtralVk;
using TavernGame;

var headless = new Option<bool>("--headless") { Description = "No picture: play for a while, then report." };
var seconds = new Option<double>("--seconds") { Description = "How long to play without a picture.", DefaultValueFactory = _ => 10 };
var budget = new Option<double>("--budget") { Description = "Milliseconds per frame for the guests; 0 for no limit.", DefaultValueFactory = _ => 4 };
var guests = new Option<int>("--guests") { Description = "How many talk.", DefaultValueFactory = _ => 8 };
var model = new Option<string>("--model") { Description = "A model file.", DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf") };
var device = new Option<DeviceKind>("--device") { Description = "Where to compute: auto, vulkan or cpu." };
var html = new Option<string?>("--html") { Description = "Write the frame times as a page with a picture." };
var json = new Option<string?>("--json") { Description = "Write the figures." };
var command = new RootCommand("A tavern whose guests talk without costing a frame.") { headless, seconds, budget, guests, model, device, html, json };
command.SetAction(parsed =>
{
    double granted = parsed.GetValue(budget) is > 0 and var limit ? limit : double.PositiveInfinity;
    using MixtralModel loaded = MixtralModel.Load(parsed.GetValue(model)!, new MixtralOptions
    {
        Device = parsed.GetValue(device), Pacing = Pacing.PerFrame, ContextLength = 512, KvCacheTokens = 512 * parsed.GetValue(guests),
    });
    using var tavern = new Tavern(loaded, parsed.GetValue(guests));
    var game = new Game(tavern, new FrameBudget(granted, granted));
    if (!parsed.GetValue(headless))
    {
        LiveView.Run(game);
        return 0;
    }
    Report report = Report.Play(game, TimeSpan.FromSeconds(parsed.GetValue(seconds)));
    Console.WriteLine(report.ToText());
    if (parsed.GetValue(json) is { } figures) File.WriteAllText(figures, report.ToJson());
    if (parsed.GetValue(html) is { } page) File.WriteAllText(page, report.ToHtml());
    return 0;
});
return command.Parse(args).Invoke();
