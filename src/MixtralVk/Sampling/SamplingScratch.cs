namespace MixtralVk.Sampling;

/// <summary>
/// Where a sampler works while it chooses a token; nothing in it outlives that. The texts of a model, whose tokens one thread chooses,
/// share one: for a vocabulary of 32000 it is 0.9 MB, too much to be new for each answer in a game.
/// </summary>
/// <param name="vocabSize">Logits.</param>
/// <param name="mostListed">Most tokens that are listed at once.</param>
internal sealed class SamplingScratch(int vocabSize, int mostListed)
{
    public float[] Logits { get; } = new float[vocabSize];

    public Shortlist List { get; } = new(mostListed);
}
