using System.CommandLine;
using System.Text.Json;
using VendorReport;

var drivers = new Option<string?>("--drivers")
    { Description = "A prepared tree: a root folder with Mesa's Intel and NVIDIA drivers, and the fake devices they open in /shim. Needs root.", HelpName = "DIR" };
var all = new Option<bool>("--all") { Description = "Also every variant the tuner may choose, not only what is shipped." };
var output = new Option<string?>("--output") { Description = "Write the report, in Markdown.", HelpName = "FILE" };
var listing = new Option<string?>("--listing") { Description = "Write every compiled kernel, comma-separated.", HelpName = "FILE" };
var keep = new Option<string?>("--keep")
    { Description = "Keep what was compiled here, one file a target; a target that is there already is not compiled again.",
    HelpName = "DIR" };
var root = new RootCommand(
    "Compiles the engine's kernels with the compilers of real GPUs, none of which needs to be there. Fails where a shipped kernel spills registers.")
{
    drivers, all, output, listing, keep,
};
root.SetAction(async (parsed, cancellation) =>
{
    string? tree = parsed.GetValue(drivers);
    Target[] targets = [.. Target.All.Where(t => !t.NeedsTree || tree is not null)];
    var results = new CompiledTarget[targets.Length];
    await Parallel.ForAsync(0, targets.Length, cancellation, async (i, _) =>
        results[i] = await CompilerProcess.Run(targets[i], tree, parsed.GetValue(all), parsed.GetValue(keep)).ConfigureAwait(false))
            .ConfigureAwait(false);
    if (parsed.GetValue(listing) is { } list)
        await File.WriteAllLinesAsync(list, Listing.Lines(results), cancellation).ConfigureAwait(false);
    if (parsed.GetValue(output) is { } report)
        await File.WriteAllTextAsync(report, new MarkdownReport(results).ToString(), cancellation).ConfigureAwait(false);
    return Summary.Print(results, Console.Out) ? 0 : 1;
});

var target = new Argument<string>("target");
var compile = new Command("compile", "One target, in a process of its own: the environment chooses the driver.") { target, all };
compile.Hidden = true;
compile.SetAction(parsed =>
{
    CompiledTarget compiled = Compiler.Run(Target.All.Single(t => t.Id == parsed.GetRequiredValue(target)), parsed.GetValue(all));
    Console.Out.WriteLine(JsonSerializer.Serialize(compiled, CompiledJson.Default.CompiledTarget));
});
root.Add(compile);
return root.Parse(args).Invoke();
