namespace MixtralVk.Model;

/// <summary>A layer produced NaN or infinity: the file's weights are damaged or hostile. The step's tokens were not committed.</summary>
public sealed class NonFiniteException : MixtralException
{
    /// <summary>Makes the exception; <paramref name="layer"/> is -1 for the embedding and the layer count for the head.</summary>
    public NonFiniteException(int layer, int layerCount)
        : base(layer < 0 ? "The token embedding produced a value that is not finite; the model file is damaged."
            : layer >= layerCount ? "The output head produced a value that is not finite; the model file is damaged."
            : $"Layer {layer} produced a value that is not finite; the model file is damaged.") => Layer = layer;

    /// <summary>The first layer concerned; -1 is the embedding, the layer count the head.</summary>
    public int Layer { get; }
}
