// A tavern at 60 frames a second: its guests talk and trade all the time, within the milliseconds that each frame grants them.
using System.CommandLine;
using MixtralVk;
using MixtralVk.Gpu;
using TavernGame;

var headless = new Option<bool>("--headless") { Description = "No picture: play for a while, then report." };
var seconds = new Option<double>("--seconds") { Description = "How long to play without a picture.", DefaultValueFactory = _ => 10 };
var budget = new Option<double>("--budget")
    { Description = "Milliseconds per frame for the guests; 0 for no limit.", DefaultValueFactory = _ => 4 };
var guests = new Option<int>("--guests") { Description = "How many talk.", DefaultValueFactory = _ => 8 };
var model = new Option<string>("--model")
    { Description = "A model file.", DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf") };
var device = new Option<DeviceKind>("--device") { Description = "Where to compute: auto, vulkan or cpu." };
var saves = new Option<string>("--saves") { Description = "Folder of the saved game.", DefaultValueFactory = _ => "tavern" };
var load = new Option<bool>("--load") { Description = "Go on from the saved game." };
var save = new Option<bool>("--save") { Description = "Save the game in the end." };
var html = new Option<string?>("--html") { Description = "Write the frame times as a page with a picture." };
var svg = new Option<string?>("--svg") { Description = "Write the picture alone." };
var json = new Option<string?>("--json") { Description = "Write the figures." };
var command = new RootCommand("A tavern whose guests talk and trade without costing a frame.")
    { headless, seconds, budget, guests, model, device, saves, load, save, html, svg, json };
guests.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is not (>= 1 and <= 1000)) result.AddError("--guests must be between 1 and 1000.");
});
seconds.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double>() is not (>= 1 and <= 86400)) result.AddError("--seconds must be between 1 and 86400.");
});
command.SetAction(parsed =>
{
    try
    {
        Play(parsed);
        return 0;
    }
    catch (Exception e) when (e is MixtralException or GpuException or IOException) // a model or a saved game that cannot be used
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
});
return command.Parse(args).Invoke();

void Play(ParseResult parsed)
{
    double granted = parsed.GetValue(budget) is > 0 and var limit ? limit : double.PositiveInfinity;
    using MixtralModel loaded = MixtralModel.Load(parsed.GetValue(model)!, new MixtralOptions
    {
        Device = parsed.GetValue(device), Pacing = Pacing.PerFrame, ContextLength = 512, KvCacheTokens = 512 * parsed.GetValue(guests),
    });
    using var tavern = new Tavern(loaded, parsed.GetValue(guests));
    string folder = parsed.GetValue(saves)!;
    if (parsed.GetValue(load)) tavern.Load(folder);
    var game = new Game(tavern, new FrameBudget(granted, granted));
    if (parsed.GetValue(headless)) Tell(Report.Play(game, TimeSpan.FromSeconds(parsed.GetValue(seconds))));
    else new LiveView(game, folder).Run();
    if (parsed.GetValue(save)) tavern.Save(folder);

    void Tell(Report report)
    {
        Console.WriteLine(report.ToText());
        if (parsed.GetValue(json) is { } figures) File.WriteAllText(figures, report.ToJson());
        if (parsed.GetValue(svg) is { } picture) File.WriteAllText(picture, FramePicture.Write(report));
        if (parsed.GetValue(html) is { } page) File.WriteAllText(page, report.ToHtml());
    }
}
