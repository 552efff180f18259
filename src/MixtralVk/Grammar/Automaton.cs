namespace MixtralVk.Grammar;

/// <summary>A way out of a state of the automaton.</summary>
internal enum EdgeKind : byte
{
    /// <summary>Takes a byte between First and Last.</summary>
    Byte,
    /// <summary>Takes nothing.</summary>
    Empty,
    /// <summary>Goes through a rule, then to Target.</summary>
    Call,
}

/// <summary>An edge of the automaton.</summary>
internal readonly record struct Edge(EdgeKind Kind, byte First, byte Last, int Rule, int Target);

/// <summary>
/// A grammar as a network of states over bytes, one part per rule, with edges that call rules (a recursive transition network: W. A. Woods,
/// "Transition network grammars for natural language analysis", 1970). Of every state it knows the fewest bytes to the end of its rule, and
/// it has no edge into a part that cannot end: a text that has a next byte can always be completed. Immutable.
/// </summary>
internal sealed class Automaton
{
    /// <summary>More bytes than any text has.</summary>
    public const int Unreachable = int.MaxValue / 4;

    /// <summary>Edges that the largest automaton may have for each state, on average.</summary>
    public const int EdgesPerState = 16;

    private readonly List<List<Edge>> _edges = [];
    private readonly List<bool> _isEnd = [];
    private readonly List<int> _entry = []; // of each rule
    private readonly ConstraintLimits _limits = ConstraintLimits.Default;
    private readonly int[] _shortest;
    private long _edgeCount;

    public Automaton(RuleSet rules, ConstraintLimits limits)
    {
        _limits = limits;
        int[] ends = [.. Enumerable.Range(0, rules.Count).Select(_ => AddRule())];
        for (int rule = 0; rule < rules.Count; rule++) Build(rules.BodyOf(rule), _entry[rule], ends[rule]);
        Start = _entry[rules.Root.Rule];
        _shortest = FindShortest();
        if (_shortest[Start] >= Unreachable) throw new GrammarException("No text can match: no way through the grammar comes to an end.");
        RemoveDeadEnds();
        RefuseLeftRecursion(rules);
    }

    /// <summary>
    /// An automaton that is made of parts of another; where it has no text, <see cref="ShortestToEnd"/> of its start is
    /// <see cref="Unreachable"/>.
    /// </summary>
    /// <param name="edges">Of each state.</param>
    /// <param name="entries">The first state of each rule.</param>
    /// <param name="isEnd">Of each state, whether its rule ends there.</param>
    /// <param name="start">The first state of a text.</param>
    internal Automaton(List<List<Edge>> edges, List<int> entries, List<bool> isEnd, int start)
    {
        (_edges, _entry, _isEnd, Start) = (edges, entries, isEnd, start);
        _shortest = FindShortest();
        RemoveDeadEnds();
    }

    public int Start { get; }

    public int StateCount => _edges.Count;

    /// <summary>Fewest bytes from the state to the end of its rule.</summary>
    public int ShortestToEnd(int state) => _shortest[state];

    public bool IsEndOfRule(int state) => _isEnd[state];

    public int EntryOf(int rule) => _entry[rule];

    public List<Edge> EdgesOf(int state) => _edges[state];

    /// <summary>The end of a new rule.</summary>
    private int AddRule()
    {
        _entry.Add(NewState());
        int end = NewState();
        _isEnd[end] = true;
        return end;
    }

    private int NewState()
    {
        if (_edges.Count == _limits.MaxStates)
            throw new GrammarException($"The grammar is too large: it needs more than {_limits.MaxStates} states.");
        _edges.Add([]);
        _isEnd.Add(false);
        return _edges.Count - 1;
    }

    private void AddEdge(int from, Edge edge)
    {
        // Copies of a part with many alternatives have few states, but each all its edges.
        if (_edgeCount++ == (long)_limits.MaxStates * EdgesPerState)
            throw new GrammarException(
                $"The grammar is too large: it needs more than {EdgesPerState} edges for each of {_limits.MaxStates} states.");
        _edges[from].Add(edge);
    }

    private void Build(Expression expression, int from, int to)
    {
        switch (expression)
        {
            case ByteRange range:
                AddEdge(from, new Edge(EdgeKind.Byte, range.First, range.Last, 0, to));
                break;
            case RuleReference reference:
                AddEdge(from, new Edge(EdgeKind.Call, 0, 0, reference.Rule, to));
                break;
            case Choice choice:
                foreach (Expression option in choice.Options) Build(option, from, to);
                break;
            case Sequence sequence:
                for (int i = 0; i < sequence.Parts.Count; i++)
                {
                    int next = i == sequence.Parts.Count - 1 ? to : NewState();
                    Build(sequence.Parts[i], from, next);
                    from = next;
                }
                if (sequence.Parts.Count == 0) AddEmpty(from, to);
                break;
            case Repeat repeat:
                BuildRepeat(repeat, from, to);
                break;
            case Deferred deferred:
                Build(deferred.Make(), from, to);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(expression));
        }
    }

    private void BuildRepeat(Repeat repeat, int from, int to)
    {
        if (repeat.Inner is Deferred deferred) repeat = repeat with { Inner = deferred.Make() };
        if (repeat is { Least: > 1 } or { Most: > 1 } && repeat.Inner is not (ByteRange or RuleReference))
        {
            // Many copies of a large part: it becomes a rule of its own, and each copy one call.
            int end = AddRule(), inner = _entry.Count - 1;
            Build(repeat.Inner, _entry[inner], end);
            repeat = repeat with { Inner = new RuleReference(inner) };
        }
        for (int i = 0; i < repeat.Least; i++)
        {
            int next = NewState();
            Build(repeat.Inner, from, next);
            from = next;
        }
        if (repeat.Most is null)
        {
            int loop = NewState();
            AddEmpty(from, loop);
            Build(repeat.Inner, loop, loop);
            from = loop;
        }
        else
        {
            for (int i = repeat.Least; i < repeat.Most; i++)
            {
                AddEmpty(from, to);
                int next = NewState();
                Build(repeat.Inner, from, next);
                from = next;
            }
        }
        AddEmpty(from, to);
    }

    private void AddEmpty(int from, int to) => AddEdge(from, new Edge(EdgeKind.Empty, 0, 0, 0, to));

    /// <summary>Bytes of an edge and of the shortest way on from it.</summary>
    private long Cost(in Edge edge, int[] shortest) => edge.Kind switch
    {
        EdgeKind.Byte => 1L + shortest[edge.Target],
        EdgeKind.Call => (long)shortest[_entry[edge.Rule]] + shortest[edge.Target],
        _ => shortest[edge.Target],
    };

    /// <summary>
    /// The shortest ways, shorter ones first, so that each edge is looked at a few times only, however the rules are ordered (D. E. Knuth,
    /// "A generalization of Dijkstra's algorithm", 1977).
    /// </summary>
    private int[] FindShortest()
    {
        // The edges by what they wait for: the target, and of a call the way through its rule, too.
        var waiting = new List<(int From, Edge Edge)>[_edges.Count];
        for (int state = 0; state < waiting.Length; state++) waiting[state] = [];
        for (int state = 0; state < waiting.Length; state++)
        {
            foreach (Edge edge in _edges[state])
            {
                waiting[edge.Target].Add((state, edge));
                if (edge.Kind == EdgeKind.Call) waiting[_entry[edge.Rule]].Add((state, edge));
            }
        }
        int[] shortest = new int[_edges.Count];
        Array.Fill(shortest, Unreachable);
        var open = new PriorityQueue<int, int>();
        for (int state = 0; state < shortest.Length; state++)
        {
            if (!_isEnd[state]) continue;
            shortest[state] = 0;
            open.Enqueue(state, 0);
        }
        while (open.TryDequeue(out int state, out int way))
        {
            if (way > shortest[state]) continue; // a shorter one was found since
            foreach ((int from, Edge edge) in waiting[state])
            {
                long through = Cost(edge, shortest);
                if (through >= shortest[from]) continue;
                shortest[from] = (int)through;
                open.Enqueue(from, (int)through);
            }
        }
        return shortest;
    }

    private void RemoveDeadEnds()
    {
        foreach (List<Edge> edges in _edges) edges.RemoveAll(edge => Cost(edge, _shortest) >= Unreachable);
    }

    /// <summary>A rule that comes back to itself before it has taken a byte would be entered without end.</summary>
    private void RefuseLeftRecursion(RuleSet rules)
    {
        var calls = new HashSet<int>[_entry.Count];
        for (int rule = 0; rule < calls.Length; rule++) calls[rule] = CalledFirst(rule);
        byte[] visit = new byte[calls.Length]; // 0 not seen, 1 on the way, 2 done
        for (int rule = 0; rule < calls.Length; rule++) Visit(rule);

        void Visit(int start)
        {
            var path = new Stack<(int Rule, IEnumerator<int> Called)>();
            if (visit[start] == 0) Enter(start);
            while (path.TryPeek(out var top))
            {
                if (!top.Called.MoveNext())
                {
                    visit[path.Pop().Rule] = 2;
                    continue;
                }
                int next = top.Called.Current;
                if (visit[next] == 1)
                {
                    int named = path.Select(p => p.Rule).Append(next).FirstOrDefault(r => r < rules.Count);
                    throw new GrammarException(
                        $"The rule '{rules.NameOf(named)}' begins with itself; write it so that something comes before the repetition.");
                }
                if (visit[next] == 0) Enter(next);
            }

            void Enter(int rule)
            {
                visit[rule] = 1;
                path.Push((rule, calls[rule].GetEnumerator()));
            }
        }
    }

    /// <summary>The rules that can be entered before the rule has taken a byte.</summary>
    private HashSet<int> CalledFirst(int rule)
    {
        var called = new HashSet<int>();
        var seen = new HashSet<int> { _entry[rule] };
        var open = new Stack<int>(seen);
        while (open.TryPop(out int state))
        {
            foreach (Edge edge in _edges[state])
            {
                if (edge.Kind == EdgeKind.Byte) continue;
                if (edge.Kind == EdgeKind.Call) called.Add(edge.Rule);
                bool canBeEmpty = edge.Kind == EdgeKind.Empty || _shortest[_entry[edge.Rule]] == 0;
                if (canBeEmpty && seen.Add(edge.Target)) open.Push(edge.Target);
            }
        }
        return called;
    }
}
