namespace MixtralVk.Grammar;

/// <summary>
/// Makes of an automaton one for those of its texts that hold none of some others: the product with the finite automaton that finds these
/// (Y. Bar-Hillel, M. Perles, E. Shamir, "On formal properties of simple phrase structure grammars", 1961). A state of the product is a
/// state, how much of the others the text's end is there, and how much it will be at the end of the rule: a call leads to each of those
/// that are possible, so that what follows knows what came before.
/// </summary>
internal sealed class AvoidingProduct
{
    private const int Any = -1; // at the end of the whole text it does not matter

    private readonly Automaton _automaton;
    private readonly StringAutomaton _texts;
    private readonly ConstraintLimits _limits;
    private readonly Dictionary<(int Entry, int Found), Passage> _passages = [];
    private readonly HashSet<(int State, int Found, Passage Passage)> _reached = [];
    private readonly Stack<(int State, int Found, Passage Passage)> _open = [];
    private readonly Dictionary<(int State, int Found, int Exit), int> _ids = [];
    private readonly Queue<(int State, int Found, int Exit)> _unbuilt = [];
    private readonly Dictionary<int, int> _rules = []; // by entry
    private readonly List<List<Edge>> _edges = [];
    private readonly List<bool> _isEnd = [];
    private long _edgesLeft;

    private AvoidingProduct(Automaton automaton, StringAutomaton texts, ConstraintLimits limits)
    {
        _automaton = automaton;
        _texts = texts;
        _limits = limits;
    }

    /// <summary>
    /// The automaton without the texts; null where each of its texts holds one. Throws <see cref="GrammarException"/> where it is too
    /// large.
    /// </summary>
    public static Automaton? Of(Automaton automaton, StringAutomaton texts, ConstraintLimits limits)
    {
        var product = new AvoidingProduct(automaton, texts, limits);
        product.FindPassages();
        Automaton avoiding = product.Build();
        return avoiding.ShortestToEnd(avoiding.Start) < Automaton.Unreachable ? avoiding : null;
    }

    /// <summary>
    /// Follows every way through the rules, each once for all that call it with the same found (T. Reps, S. Horwitz, M. Sagiv, "Precise
    /// interprocedural dataflow analysis via graph reachability", 1995).
    /// </summary>
    private void FindPassages()
    {
        _edgesLeft = MostEdges;
        Enter(_automaton.Start, StringAutomaton.Start);
        while (_open.TryPop(out var place))
        {
            (int state, int found, Passage passage) = place;
            if (_automaton.IsEndOfRule(state))
            {
                passage.Exits.Add(found);
                foreach ((int target, Passage caller) in passage.Callers) Reach(target, found, caller);
            }
            foreach (Edge edge in _automaton.EdgesOf(state))
            {
                if (edge.Kind == EdgeKind.Empty) Reach(edge.Target, found, passage);
                else if (edge.Kind == EdgeKind.Byte)
                {
                    foreach ((_, _, int next) in Steps(found, edge)) Reach(edge.Target, next, passage);
                }
                else
                {
                    Passage called = Enter(_automaton.EntryOf(edge.Rule), found);
                    called.Callers.Add((edge.Target, passage));
                    foreach (int exit in called.Exits) Reach(edge.Target, exit, passage);
                }
            }
        }
    }

    private Passage Enter(int entry, int found)
    {
        if (_passages.TryGetValue((entry, found), out Passage? known)) return known;
        Passage passage = _passages[(entry, found)] = new Passage();
        Reach(entry, found, passage);
        return passage;
    }

    private void Reach(int state, int found, Passage passage)
    {
        if (--_edgesLeft < 0) throw TooLarge();
        if (!_reached.Add((state, found, passage))) return;
        if (_reached.Count > _limits.MaxStates) throw TooLarge();
        _open.Push((state, found, passage));
    }

    private Automaton Build()
    {
        _edgesLeft = MostEdges;
        int start = StateOf(_automaton.Start, StringAutomaton.Start, Any);
        for (int id = 0; _unbuilt.TryDequeue(out var place); id++)
        {
            (int state, int found, int exit) = place;
            foreach (Edge edge in _automaton.EdgesOf(state))
            {
                if (edge.Kind == EdgeKind.Empty) Add(edge, found);
                else if (edge.Kind == EdgeKind.Byte)
                {
                    foreach ((byte first, byte last, int next) in Steps(found, edge)) Add(edge with { First = first, Last = last }, next);
                }
                else
                {
                    int entry = _automaton.EntryOf(edge.Rule);
                    foreach (int after in _passages[(entry, found)].Exits)
                        if (Leads(edge.Target, after, exit)) Add(edge with { Rule = RuleOf(StateOf(entry, found, after)) }, after);
                }
            }

            void Add(Edge edge, int after)
            {
                if (--_edgesLeft < 0) throw TooLarge();
                if (Leads(edge.Target, after, exit)) _edges[id].Add(edge with { Target = StateOf(edge.Target, after, exit) });
            }
        }
        return new Automaton(_edges, [.. _rules.OrderBy(rule => rule.Value).Select(rule => rule.Key)], _isEnd, start);
    }

    /// <summary>False at the end of a rule with something else found than was promised to the caller.</summary>
    private bool Leads(int state, int found, int exit) => exit == Any || found == exit || !_automaton.IsEndOfRule(state);

    private int StateOf(int state, int found, int exit)
    {
        bool isEnd = _automaton.IsEndOfRule(state);
        if (isEnd && exit == Any) found = StringAutomaton.Start; // one end
        if (_ids.TryGetValue((state, found, exit), out int known)) return known;
        if (_ids.Count == _limits.MaxStates) throw TooLarge();
        int id = _ids[(state, found, exit)] = _ids.Count;
        _edges.Add([]);
        _isEnd.Add(isEnd);
        _unbuilt.Enqueue((state, found, exit));
        return id;
    }

    private int RuleOf(int entry) => _rules.TryGetValue(entry, out int rule) ? rule : _rules[entry] = _rules.Count;

    /// <summary>The bytes of an edge after which no text is complete, by what is found then.</summary>
    private IEnumerable<(byte First, byte Last, int Found)> Steps(int found, Edge edge)
    {
        for (int first = edge.First, last; first <= edge.Last; first = last + 1)
        {
            int next = _texts.Step(found, (byte)first);
            for (last = first; last < edge.Last && _texts.Step(found, (byte)(last + 1)) == next;) last++;
            if (!_texts.Ends(next)) yield return ((byte)first, (byte)last, next);
        }
    }

    private long MostEdges => (long)_limits.MaxStates * Automaton.EdgesPerState;

    private GrammarException TooLarge() =>
        new($"The grammar without the banned strings is too large: it needs more than {_limits.MaxStates} states, or {Automaton.EdgesPerState} edges for each. Ban fewer, or simplify it.");

    /// <summary>
    /// The ways through a rule that is entered with so much found: what can be found at its end, and where its callers go on.
    /// </summary>
    private sealed class Passage
    {
        public List<int> Exits { get; } = [];

        public List<(int Target, Passage Caller)> Callers { get; } = [];
    }
}
