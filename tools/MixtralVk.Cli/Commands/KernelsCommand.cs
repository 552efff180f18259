using System.CommandLine;
using System.Text;
using MixtralVk.Bench;
using MixtralVk.Gpu;

namespace MixtralVk.Cli.Commands;

/// <summary>
/// `kernels`: how fast every kernel and variant is on this device, beside what the device can do, and beside a shader of the user's.
/// </summary>
internal static class KernelsCommand
{
    private sealed record Request(string? Filter, string Shape, string? Device, bool Json, string? Html, string? Shader,
        string? Kernel, bool Watch);

    public static Command Create()
    {
        var filter = new Option<string>("--filter")
            { Description = "Only kernels whose name, shape or variant has these words: \"q4_0 4096x14336x1 shipped\".",
            HelpName = "words" };
        var shape = new Option<string>("--shape")
        {
            Description = "Whose shapes: mixtral (8x7B, in every format) or a model file.", HelpName = "mixtral|FILE",
            DefaultValueFactory = _ => "mixtral",
        };
        var device = new Option<string>("--device")
            { Description = "A part of the Vulkan adapter's name; without it a GPU, or a software driver.", HelpName = "name" };
        Option<bool> json = CommonOptions.Json("Write the results as JSON.");
        Option<string> html = new Option<string>("--html")
            { Description = "Write a page with a roofline and bars.", HelpName = "file" }.AsPath();
        Option<string> shader = new Option<string>("--shader")
            { Description = "A GLSL file to compile, check and time beside ours.", HelpName = "file" }.AsPath();
        var kernel = new Option<string>("--kernel")
            { Description = "The kernel it stands in for; without it the one with the file's name.", HelpName = "name" };
        var watch = new Option<bool>("--watch") { Description = "With --shader: again each time the file is saved, until Ctrl-C." };
        var command = new Command(
            "kernels", "Measure every kernel and variant against the device's bandwidth and arithmetic, each checked before it is timed.")
        {
            filter, shape, device, json, html, shader, kernel, watch,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(shader) is null && (result.GetValue(kernel) is not null || result.GetValue(watch)))
                result.AddError("--kernel and --watch go with --shader.");
        });
        command.SetAction((parsed, cancellation) =>
        {
            var request = new Request(parsed.GetValue(filter), parsed.GetRequiredValue(shape), parsed.GetValue(device),
                parsed.GetValue(json), parsed.GetValue(html),
                parsed.GetValue(shader), parsed.GetValue(kernel), parsed.GetValue(watch));
            return Task.Run(() => Run(request, cancellation), cancellation);
        });
        return command;
    }

    private static int Run(Request request, CancellationToken cancellation)
    {
        ModelShape model = request.Shape == "mixtral" ? ModelShape.Mixtral : ModelShape.Of(request.Shape);
        using GpuInstance vulkan = GpuInstance.Create();
        using var bench = new KernelBench(KernelBench.Choose(vulkan, request.Device));
        IReadOnlyList<BenchCase> cases = BenchCases.Of(model, bench.Device.Description);
        Console.Error.WriteLine($"device: {bench.Device.Description.Name}, {bench.Device.Description.Driver}");
        Console.Error.WriteLine($"last-level cache: {Quantity.Bytes(bench.Cache.Bytes)} ({bench.Cache.Source})");
        return request.Shader is { } shader
            ? new ShaderTrial(bench, model, cases, shader, request.Kernel, request.Filter)
            .Run(request.Watch, results => Write(request, bench, model, results), cancellation)
            : Measure(request, bench, model, [.. cases.Where(c => c.Matches(request.Filter))], cancellation);
    }

    private static int Measure(Request request, KernelBench bench, ModelShape model, BenchCase[] cases, CancellationToken cancellation)
    {
        if (cases.Length == 0)
            throw new BenchException($"No kernel has all the words of '{request.Filter}' in its name, shape and variant.");
        List<KernelResult> results = [];
        try
        {
            KernelProgress.Show(cases.Length, step =>
            {
                bench.MeasureRoofs(cancellation);
                foreach (BenchCase one in cases)
                {
                    step(one.Name);
                    cancellation.ThrowIfCancellationRequested();
                    results.Add(bench.Run(one, cancellation: cancellation));
                }
            });
        }
        catch (OperationCanceledException) when (results.Count > 0)
        {
            Console.Error.WriteLine($"Stopped after {results.Count} of {cases.Length}.");
            Write(request, bench, model, results);
            throw;
        }
        return Write(request, bench, model, results);
    }

    /// <summary>Shows results; 1 when the reference found one of them wrong.</summary>
    private static int Write(Request request, KernelBench bench, ModelShape model, IReadOnlyList<KernelResult> results)
    {
        KernelReport report = KernelReport.Of(bench, model, results);
        if (request.Json) Console.Out.WriteLine(report.ToJson());
        else KernelTable.Print(report);
        if (request.Html is { } path)
        {
            AtomicFile.Write(path, Encoding.UTF8.GetBytes(RooflinePage.Write(report)));
            Console.Error.WriteLine($"page: {path}");
        }
        KernelResult? wrong = results.FirstOrDefault(r => r.Problem is not null);
        if (wrong is null) return ProgramExit.Success;
        Console.Error.WriteLine($"mixtralvk: {wrong.User ?? wrong.Kernel} {wrong.Shape} {wrong.Variant}: {wrong.Problem}");
        return ProgramExit.Failure;
    }
}
