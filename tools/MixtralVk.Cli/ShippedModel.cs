namespace MixtralVk.Cli;

/// <summary>The model that comes with the program, and the character it plays when it is given no other.</summary>
internal static class ShippedModel
{
    /// <summary>Of what such a persona can hold, these are things the model answers rightly.</summary>
    public const string Persona =
        "You are Brannor, a gruff blacksmith in Oakhaven. The old mill is behind the stone bridge. " +
        "You sell an iron dagger for 12 gold and a steel helmet for 45 gold.";

    /// <summary>So small a model is right more often when it takes the likeliest token.</summary>
    public const float Temperature = 0;

    public static string File { get; } = Path.Combine(AppContext.BaseDirectory, "models", "hearth-8x1m-q4_0.gguf");
}
