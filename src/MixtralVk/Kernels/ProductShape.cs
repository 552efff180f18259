using MixtralVk.Quantization;

namespace MixtralVk.Kernels;

/// <summary>The kernels that multiply with a weight matrix.</summary>
internal enum ProductKind
{
    /// <summary><see cref="MatMul"/>: every token.</summary>
    Dense,
    /// <summary><see cref="ExpertGateUp"/>: gate and up of one expert, its entries.</summary>
    GateUp,
    /// <summary><see cref="ExpertMatMul"/>: down of one expert, and gate or up where their formats differ.</summary>
    Down,
}

/// <summary>What a variant is chosen for: the kernel and the matrix.</summary>
internal readonly record struct ProductShape(ProductKind Kind, WeightFormat Format, uint Rows, uint Cols)
{
    /// <summary>Rows of weights that a lane reads for each of its rows.</summary>
    public uint Matrices => Kind == ProductKind.GateUp ? 2u : 1u;

    public override string ToString() => $"{Kind} {Format} {Rows}x{Cols}";
}

/// <summary>Steps by their number of tokens; each has recordings and variants of its own.</summary>
internal enum TokenClass
{
    /// <summary>1: decode.</summary>
    One,
    /// <summary>2 to 4.</summary>
    Few,
    /// <summary>5 to 16.</summary>
    Batch,
    /// <summary>17 and more: prefill.</summary>
    Chunk,
}

/// <summary>The bounds of the classes.</summary>
internal static class TokenClasses
{
    /// <summary>Every class in ascending order.</summary>
    public static IReadOnlyList<TokenClass> All { get; } = [TokenClass.One, TokenClass.Few, TokenClass.Batch, TokenClass.Chunk];

    /// <summary>Most tokens of a class.</summary>
    public static uint MaxTokens(this TokenClass tokens) => tokens switch
    {
        TokenClass.One => 1,
        TokenClass.Few => 4,
        TokenClass.Batch => 16,
        TokenClass.Chunk => uint.MaxValue,
    };

    /// <summary>The class of a step.</summary>
    public static TokenClass Of(uint tokens)
    {
        TokenClass smallest = TokenClass.One;
        while (tokens > smallest.MaxTokens()) smallest++;
        return smallest;
    }

    /// <summary>The most tokens of each recording that steps of up to <paramref name="maxBatchTokens"/> need: 1, 4, 16, a chunk.</summary>
    public static IReadOnlyList<uint> Cover(uint maxBatchTokens) =>
        [.. All.Select(c => c.MaxTokens()).Where(most => most < maxBatchTokens).Append(maxBatchTokens)];
}
