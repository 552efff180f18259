using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench;

/// <summary>One line of the bench: a kernel at a shape in a variant.</summary>
/// <param name="Shader">Name of the shader.</param>
/// <param name="Shape">Matrix and tokens, or whatever the kernel's size is.</param>
/// <param name="Variant">How the work is cut; empty where there is one way.</param>
/// <param name="Note">"shipped" for the variant the engine runs by default.</param>
/// <param name="Make">Makes the buffers, the dispatch and the comparison with the reference.</param>
/// <param name="Cold">
/// Bindings that come from memory in a real step, by their names in C# (weights, the KV cache); the rest was just written and is in a
/// cache.
/// </param>
internal sealed record BenchCase(string Shader, string Shape, string Variant, string Note, Func<KernelCase> Make,
    params IReadOnlyList<string> Cold)
{
    /// <summary>Bytes that must be moved, where the case itself does not tell.</summary>
    public long Bytes { get; init; }

    /// <summary>Floating-point operations that must be done, where the case itself does not tell.</summary>
    public long Flops { get; init; }

    public string Name => Variant.Length == 0 ? $"{Shader} {Shape}" : $"{Shader} {Shape} {Variant}";

    /// <summary>
    /// True when every word of the filter is in the name or the note; a number at either end of a word is a whole one there.
    /// </summary>
    public bool Matches(string? filter) =>
        filter is null || filter.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(word => Has($"{Name} {Note}", word));

    private static bool Has(string text, string word)
    {
        for (int at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            int end = at + word.Length;
            bool startsInside = at > 0 && char.IsAsciiDigit(word[0]) && char.IsAsciiDigit(text[at - 1]);
            bool endsInside = end < text.Length && char.IsAsciiDigit(word[^1]) && char.IsAsciiDigit(text[end]);
            if (!startsInside && !endsInside) return true;
        }
        return false;
    }
}
