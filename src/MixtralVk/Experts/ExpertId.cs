namespace MixtralVk.Experts;

/// <summary>An expert of a layer; both counted from 0.</summary>
public readonly record struct ExpertId(int Layer, int Expert);
