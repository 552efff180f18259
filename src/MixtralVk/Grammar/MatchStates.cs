using System.Runtime.InteropServices;

namespace MixtralVk.Grammar;

/// <summary>
/// Where in a grammar a text can be, as one number: each state stands for the set of (automaton state, stack of calls to come back to) that
/// a text has led to. States and their steps are made when first needed and kept, so that a step once taken is one table look-up. Not
/// thread-safe.
/// </summary>
internal sealed class MatchStates
{
    /// <summary>The state of a text that cannot become one of the grammar.</summary>
    public const int Dead = -1;

    private const int Unknown = -2, EmptyStack = 0;
    private const int EdgesPerPlace = 64; // that a step may look at, on average over the places it may lead to

    private readonly Automaton _automaton;
    private readonly int _maxAmbiguity, _maxEdges;
    private readonly List<Node> _nodes = [];
    private readonly Dictionary<Frame, int> _stacks = [];
    private readonly List<(Frame Frame, int Shortest)> _frames = [];
    private readonly Dictionary<Place[], int> _ids = new(PlacesComparer.Instance);
    private readonly HashSet<Place> _seen = [];
    private readonly List<Place> _open = [], _kept = [];

    public MatchStates(Automaton automaton, int maxAmbiguity)
    {
        _automaton = automaton;
        _maxAmbiguity = maxAmbiguity;
        _maxEdges = (int)Math.Min((long)maxAmbiguity * EdgesPerPlace, int.MaxValue);
        _frames.Add((default, 0));
        _open.Add(new Place(automaton.Start, EmptyStack));
        Start = Close();
    }

    /// <summary>State of the empty text.</summary>
    public int Start { get; }

    public int Count => _nodes.Count;

    /// <summary>Places of all states: of a few ambiguous ones more than of many others.</summary>
    public long PlaceCount { get; private set; }

    /// <summary>Edges looked at so far: what the states have cost.</summary>
    public long Work { get; private set; }

    /// <summary>True when the text is complete.</summary>
    public bool Accepts(int state) => _nodes[state].Accepts;

    /// <summary>True when nothing can follow.</summary>
    public bool IsFinal(int state) => _nodes[state].Places.Length == 0;

    /// <summary>Fewest bytes to a complete text.</summary>
    public int ShortestBytes(int state) => _nodes[state].Shortest;

    /// <summary>The state after one more byte, or <see cref="Dead"/>.</summary>
    public int Step(int state, byte value)
    {
        int next = _nodes[state].Next[value];
        return next != Unknown ? next : FindStep(state, value);
    }

    /// <summary>The same state among those of other states of the same automaton.</summary>
    public int Import(MatchStates other, int state)
    {
        var calls = new Stack<int>();
        _kept.Clear();
        foreach (Place place in other._nodes[state].Places)
        {
            for (int stack = place.Stack; stack != EmptyStack; stack = other._frames[stack].Frame.Parent)
                calls.Push(other._frames[stack].Frame.Return);
            int copy = EmptyStack;
            while (calls.TryPop(out int returnTo)) copy = Push(returnTo, copy);
            _kept.Add(new Place(place.State, copy));
        }
        return Intern(other._nodes[state].Accepts, other._nodes[state].Shortest);
    }

    private int FindStep(int state, byte value)
    {
        int edges = 0;
        foreach (Place place in _nodes[state].Places)
        {
            if ((edges += _automaton.EdgesOf(place.State).Count) > _maxEdges) throw TooAmbiguous();
            foreach (Edge edge in _automaton.EdgesOf(place.State))
                if (edge.Kind == EdgeKind.Byte && edge.First <= value && value <= edge.Last) _open.Add(place with { State = edge.Target });
        }
        Work += edges;
        return _nodes[state].Next[value] = _open.Count == 0 ? Dead : Close();
    }

    /// <summary>
    /// The state of all places reachable from the open ones without taking a byte; keeps those from where a byte can be taken.
    /// </summary>
    private int Close()
    {
        _seen.Clear();
        _kept.Clear();
        bool accepts = false;
        int shortest = Automaton.Unreachable, edges = 0;
        for (int i = 0; i < _open.Count; i++)
        {
            Place place = _open[i];
            if (!_seen.Add(place)) continue;
            if (_seen.Count > _maxAmbiguity || (edges += _automaton.EdgesOf(place.State).Count) > _maxEdges) throw TooAmbiguous();
            shortest = Math.Min(shortest, _automaton.ShortestToEnd(place.State) + _frames[place.Stack].Shortest);
            bool takesByte = false;
            foreach (Edge edge in _automaton.EdgesOf(place.State))
            {
                if (edge.Kind == EdgeKind.Byte) takesByte = true;
                else if (edge.Kind == EdgeKind.Empty) _open.Add(place with { State = edge.Target });
                else _open.Add(new Place(_automaton.EntryOf(edge.Rule), Push(edge.Target, place.Stack)));
            }
            if (takesByte) _kept.Add(place);
            if (!_automaton.IsEndOfRule(place.State)) continue;
            if (place.Stack == EmptyStack) accepts = true;
            else _open.Add(new Place(_frames[place.Stack].Frame.Return, _frames[place.Stack].Frame.Parent));
        }
        _open.Clear();
        Work += edges;
        return Intern(accepts, shortest);
    }

    /// <summary>The state with the kept places.</summary>
    private int Intern(bool accepts, int shortest)
    {
        _kept.Sort();
        Place[] places = [.. _kept];
        // A state that accepts and one that does not can have the same places; the marker keeps them apart.
        Place[] key = accepts ? [.. places, new Place(-1, EmptyStack)] : places;
        if (_ids.TryGetValue(key, out int id)) return id;
        int[] next = new int[256];
        Array.Fill(next, Unknown);
        _nodes.Add(new Node(places, next, accepts, shortest));
        _ids.Add(key, _nodes.Count - 1);
        PlaceCount += places.Length;
        return _nodes.Count - 1;
    }

    /// <summary>
    /// The stack with a state to come back to on top. A call at the very end of a rule comes back to where that rule would.
    /// </summary>
    private int Push(int returnTo, int parent)
    {
        if (_automaton.IsEndOfRule(returnTo) && _automaton.EdgesOf(returnTo).Count == 0) return parent;
        var frame = new Frame(returnTo, parent);
        ref int stack = ref CollectionsMarshal.GetValueRefOrAddDefault(_stacks, frame, out bool known);
        if (known) return stack;
        stack = _frames.Count;
        _frames.Add((frame, Math.Min(Automaton.Unreachable, _automaton.ShortestToEnd(returnTo) + _frames[parent].Shortest)));
        return stack;
    }

    private GrammarException TooAmbiguous()
    {
        _open.Clear();
        return new GrammarException(
            $"The grammar is too ambiguous: a text can be in more than {_maxAmbiguity} places of it at once, or go on from there in more than {_maxEdges} ways.");
    }

    private readonly record struct Frame(int Return, int Parent);

    private readonly record struct Place(int State, int Stack) : IComparable<Place>
    {
        public int CompareTo(Place other) => State != other.State ? State.CompareTo(other.State) : Stack.CompareTo(other.Stack);
    }

    private sealed record Node(Place[] Places, int[] Next, bool Accepts, int Shortest);

    private sealed class PlacesComparer : IEqualityComparer<Place[]>
    {
        public static readonly PlacesComparer Instance = new();

        public bool Equals(Place[]? x, Place[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(Place[] places)
        {
            var hash = new HashCode();
            foreach (Place place in places) hash.Add(place);
            return hash.ToHashCode();
        }
    }
}
