namespace MixtralVk.Grammar;

/// <summary>The named rules of a grammar.</summary>
internal sealed class RuleSet
{
    private readonly List<(string Name, Expression? Body)> _rules = [];

    /// <summary>What a text must match.</summary>
    public RuleReference Root { get; set; } = new(0);

    public int Count => _rules.Count;

    /// <summary>Declares a rule whose body follows.</summary>
    public RuleReference Declare(string name)
    {
        _rules.Add((name, null));
        return new RuleReference(_rules.Count - 1);
    }

    public void Define(RuleReference rule, Expression body) => _rules[rule.Rule] = (_rules[rule.Rule].Name, body);

    /// <summary>Declares and defines a rule.</summary>
    public RuleReference Add(string name, Expression body)
    {
        RuleReference rule = Declare(name);
        Define(rule, body);
        return rule;
    }

    public string NameOf(int rule) => _rules[rule].Name;

    public Expression BodyOf(int rule) =>
        _rules[rule].Body ?? throw new GrammarException($"The rule '{_rules[rule].Name}' is used but not defined.");
}
