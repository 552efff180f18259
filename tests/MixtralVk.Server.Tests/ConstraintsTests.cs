using MixtralVk.Grammar;
using MixtralVk.Server.Api;

namespace MixtralVk.Server.Tests;

public sealed class ConstraintsTests
{
    [Fact]
    public void A_schema_of_before_is_not_compiled_again()
    {
        using var constraints = new Constraints();
        Assert.Same(constraints.OfSchema("""{"type":"string"}"""), constraints.OfSchema("""{"type":"string"}"""));
        Assert.NotSame(constraints.OfSchema("""{"type":"object"}"""), constraints.OfSchemaOrText("""{"type":"object"}"""));
    }

    /// <summary>As many as are kept of usual ones would fill gigabytes.</summary>
    [Fact]
    public void Of_large_schemas_few_are_kept()
    {
        using var constraints = new Constraints();
        WeakReference[] made = [.. Enumerable.Range(0, 15).Select(i => Large(constraints, i))];
        GC.Collect();
        Assert.InRange(made.Count(constraint => constraint.IsAlive), 1, 8);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference Large(Constraints constraints, int number)
    {
        string lists = string.Join(',', Enumerable.Range(0, 16).Select(i =>
            $$"""{"type":"array","items":{"type":"null"},"minItems":{{9000 + i}},"maxItems":{{9900 + number}}}"""));
        Constraint constraint = constraints.OfSchema($$"""{"anyOf":[{{lists}}]}""");
        Assert.InRange(constraint.StateCount, 125_000, 200_000);
        return new WeakReference(constraint);
    }
}
