using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>Loads the model a command was given and says on stderr where it runs.</summary>
internal static class ModelLoading
{
    public static MixtralModel Load(string file, string device, int? context, CancellationToken cancellation, KvFormat kv = KvFormat.F16,
        int? chunk = null, int? kvCacheTokens = null,
        string map = "auto", string arithmetic = "int8", ExpertShare? expertsOnGpu = null,
        Pacing pacing = Pacing.Free, ExpertPlacement placement = ExpertPlacement.FollowsUse)
    {
        if (device == "cpu" && expertsOnGpu is not null)
            throw new MixtralException("--experts-on-gpu is memory of a GPU, and --device cpu uses none: leave one of them out.");
        var options = new MixtralOptions
        {
            Device = device switch { "vulkan" => DeviceKind.Vulkan, "cpu" => DeviceKind.Cpu, _ => DeviceKind.Auto },
            Map = map switch { "never" => MapMode.Never, "always" => MapMode.Always, _ => MapMode.Auto },
            CpuArithmetic = arithmetic == "float32" ? CpuArithmetic.Float32 : CpuArithmetic.Int8,
            ContextLength = context,
            KvFormat = kv,
            KvCacheTokens = kvCacheTokens,
            ExpertBudgetBytes = expertsOnGpu?.BytesOf(file),
            ExpertPlacement = placement,
            Pacing = pacing,
            PipelineCacheDirectory = PipelineCache(),
        };
        if (chunk is int tokens) options = options with { ChunkTokens = tokens };
        MixtralModel model = LoadingBar.Show(progress => MixtralModel.Load(file, options, progress, cancellation));
        Console.Error.WriteLine($"device: {model.Device.Description}");
        if (expertsOnGpu is not null) ExpertShare.TellWhereUnused(model.Config.IsSparse, isOnGpu: model.Device.Kind == DeviceKind.Vulkan);
        return model;
    }

    /// <summary>The context to open a model with where none is asked for: its own, at most <paramref name="most"/>.</summary>
    public static int DefaultContext(string file, int most)
    {
        using ModelSource source = ModelSource.Open(file);
        return Math.Min(most, source.Config.ContextLength);
    }

    /// <summary>Where compiled pipelines and measured kernel choices are kept; nowhere for a user without a home.</summary>
    public static string? PipelineCache()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        return home.Length > 0 ? Path.Combine(home, "mixtralvk", "pipelines") : null;
    }
}
