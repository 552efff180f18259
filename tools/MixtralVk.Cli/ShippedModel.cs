namespace MixtralVk.Cli;

/// <summary>The model that comes with the program, and the character it plays when it is given no other.</summary>
internal static class ShippedModel
{
    /// <summary>Of what such a persona can hold, these are things the model answers rightly.</summary>
    public const string Persona =
        "You are Brannor, a gruff blacksmith from Oakhaven. You love honey cake. You are afraid of wolves. " +
        "You heard that wolves were seen near the north gate.";

    /// <summary>So small a model is right more often when it takes the likeliest token.</summary>
    public const float Temperature = 0;

    public static string File { get; } = Path.Combine(AppContext.BaseDirectory, "models", "hearth-8x1m-q4_0.gguf");
}
