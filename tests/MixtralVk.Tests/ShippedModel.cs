namespace MixtralVk.Tests;

/// <summary>The model in the repository: a real, small Mixtral that answers in character.</summary>
internal static class ShippedModel
{
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "models", "hearth-8x1m-q4_0.gguf");
}
