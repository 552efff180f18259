namespace MixtralVk.Experts;

/// <summary>An expert of a layer.</summary>
internal readonly record struct ExpertId(int Layer, int Expert);
