using MixtralVk.Kernels;

namespace MixtralVk.Model;

/// <summary>What steps with the same stages have in common.</summary>
/// <param name="All">Class of all rows, which go up to the last layer's keys and values.</param>
/// <param name="Wanted">Class of the rows whose logits are wanted, which go on from there.</param>
/// <param name="IsWhole">All rows are wanted, and so few that nothing is to be gathered in between: decode.</param>
internal readonly record struct StepClass(TokenClass All, TokenClass Wanted, bool IsWhole)
{
    public static StepClass Of(int rows, int outputs)
    {
        TokenClass all = TokenClasses.Of((uint)rows);
        return new StepClass(all, TokenClasses.Of((uint)outputs), rows == outputs && all < TokenClass.Chunk);
    }
}
