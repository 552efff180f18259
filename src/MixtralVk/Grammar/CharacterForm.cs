namespace MixtralVk.Grammar;

/// <summary>How the characters of a pattern are written in the text that is generated.</summary>
internal abstract class CharacterForm
{
    /// <summary>As they are.</summary>
    public static CharacterForm Plain { get; } = new PlainForm();

    /// <summary>As in a JSON string (<see cref="JsonText"/>).</summary>
    public static CharacterForm JsonString { get; } = new JsonForm();

    /// <summary>One character of the set.</summary>
    public abstract Expression Of(CodePoints set);

    private sealed class PlainForm : CharacterForm
    {
        public override Expression Of(CodePoints set) => set.ToExpression();
    }

    private sealed class JsonForm : CharacterForm
    {
        private static readonly CodePoints Escaped = CodePoints.Range(0, 0x1F).Union(CodePoints.Of('"', '\\'));

        public override Expression Of(CodePoints set)
        {
            CodePoints plain = set.Except(Escaped), escaped = set.Intersect(Escaped);
            var options = new List<Expression>();
            if (!plain.IsEmpty) options.Add(plain.ToExpression());
            foreach (int c in escaped.Enumerate()) options.Add(Expression.Literal(JsonText.Escape(c)));
            return options.Count == 1 ? options[0] : new Choice(options);
        }
    }
}
