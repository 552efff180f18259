namespace MixtralVk.Grammar;

/// <summary>How deep patterns, grammars and schemas may nest: parsing them, and what is made of them, recurses.</summary>
internal static class Nesting
{
    public const int Most = 200;

    /// <summary>Throws where <paramref name="depth"/> is more than that.</summary>
    public static void Check(int depth)
    {
        if (depth > Most) throw new GrammarException($"The constraint nests more than {Most} levels deep.");
    }
}
