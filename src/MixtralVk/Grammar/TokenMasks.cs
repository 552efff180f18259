using MixtralVk.Tokenization;

namespace MixtralVk.Grammar;

/// <summary>
/// Which tokens of a vocabulary may follow in each state of a grammar. Computed when a state is first met, and kept: from then on a
/// look-up. Serves any number of generations at once; every call locks.
/// </summary>
internal sealed class TokenMasks
{
    // A state has a table of 1 KiB, its places and, once used, a mask; when there are this many, the owner goes on with new masks.
    private const int MaxStates = 8192, MaxPlaces = 32 * MaxStates;

    // Walks over the vocabulary, some 50 us each, that one search for a completion of few tokens may take.
    private const int MaxWalks = 1024;

    // Edges of the grammar, some 20 ns each, that it may look at for new states: in an ambiguous grammar a walk takes far longer. Twice
    // what a string of a thousand characters takes with the shipped model's vocabulary.
    private const int MaxWork = 1 << 25;

    private readonly Lock _lock = new();
    private readonly Tokenizer _tokenizer;
    private readonly TokenTrie _trie;
    private readonly MatchStates _states;
    private readonly Dictionary<int, Mask> _masks = [];
    private readonly Dictionary<int, NearMask[]> _nearMasks = [];
    private readonly Dictionary<int, int> _shortest = [];
    private int _tooFar; // bytes to the end from which on no search is begun, as it would not come to its end

    /// <param name="automaton">The grammar.</param>
    /// <param name="limits">How much of it a text may be in at once.</param>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <param name="trie">Its tokens.</param>
    /// <param name="earlier">The masks that have grown large: what they learned of searches is kept.</param>
    public TokenMasks(Automaton automaton, ConstraintLimits limits, Tokenizer tokenizer, TokenTrie trie, TokenMasks? earlier)
    {
        _tooFar = earlier?._tooFar ?? int.MaxValue;
        _tokenizer = tokenizer;
        _trie = trie;
        _states = new MatchStates(automaton, limits.MaxAmbiguity);
    }

    /// <summary>Words of a mask: bit <c>t % 32</c> of word <c>t / 32</c> is token t.</summary>
    public int MaskWords => (_trie.VocabSize + 31) / 32;

    public int Start => _states.Start;

    public bool IsFull => _states.Count > MaxStates || _states.PlaceCount > MaxPlaces;

    public bool Accepts(int state)
    {
        lock (_lock) return _states.Accepts(state);
    }

    /// <summary>True when the text is complete and nothing can follow.</summary>
    public bool IsFinal(int state)
    {
        lock (_lock) return _states.IsFinal(state);
    }

    /// <summary>
    /// Fills in the tokens after which the text can still be completed with <paramref name="tokensLeft"/> tokens, that one included; of
    /// the end tokens all or none. Never empty when <see cref="ShortestTokens"/> of the state is at most <paramref name="tokensLeft"/>, but
    /// for a final state, where only the end remains.
    /// </summary>
    public void Fill(int state, int tokensLeft, Span<uint> allowed)
    {
        lock (_lock)
        {
            if (!_masks.TryGetValue(state, out Mask mask)) _masks[state] = mask = Compute(state);
            // A byte takes at most one token, so far from the limit no completion is too long.
            if (mask.MostBytesLeft < tokensLeft) mask.Allowed.CopyTo(allowed);
            else
            {
                if (!_nearMasks.TryGetValue(state, out NearMask[]? near)) _nearMasks[state] = near = ComputeNear(state);
                int i = near.Length - 1;
                while (near[i].TokensAfter >= tokensLeft) i--;
                near[i].Allowed.CopyTo(allowed);
            }
        }
    }

    /// <summary>The state after a token that the mask allows; the same state after an end token.</summary>
    public int Step(int state, int token)
    {
        lock (_lock)
        {
            foreach (byte value in _trie.BytesOf(token))
                if ((state = _states.Step(state, value)) == MatchStates.Dead) break;
            return state;
        }
    }

    /// <summary>The same place in the grammar among the states of other masks of it.</summary>
    public int Import(TokenMasks other, int state)
    {
        lock (other._lock)
            lock (_lock) return _states.Import(other._states, state);
    }

    /// <summary>
    /// Tokens of a short completion, 0 where the text is complete: the fewest of those in which every token brings the end nearer (in
    /// bytes). Where the search for it would take too long, as in a schema whose shortest answer has many thousand bytes, the bytes of the
    /// shortest one: each can be a token.
    /// </summary>
    public int ShortestTokens(int state)
    {
        lock (_lock) return FindShortestTokens(state);
    }

    private int FindShortestTokens(int wanted)
    {
        if (_shortest.TryGetValue(wanted, out int known)) return known;
        int bytesLeft = _states.ShortestBytes(wanted);
        if (bytesLeft >= _tooFar) return bytesLeft;
        // All states on such ways, then from the end back: each way leads to states with fewer bytes left only.
        long mostWork = _states.Work + MaxWork;
        var nearer = new Dictionary<int, HashSet<int>>();
        var open = new Stack<int>([wanted]);
        while (open.TryPop(out int state))
        {
            if (nearer.Count == MaxWalks || _states.Work > mostWork)
            {
                _tooFar = Math.Min(_tooFar, bytesLeft / 2 + 1);
                return bytesLeft;
            }
            if (_shortest.ContainsKey(state) || nearer.ContainsKey(state)) continue;
            HashSet<int> next = nearer[state] = [];
            if (_states.Accepts(state)) continue;
            int bytes = _states.ShortestBytes(state);
            foreach ((_, int after) in new TokenWalk(_trie, _states, state))
                if (_states.ShortestBytes(after) < bytes && next.Add(after)) open.Push(after);
        }
        foreach ((int state, HashSet<int> next) in nearer.OrderBy(s => _states.ShortestBytes(s.Key)))
            _shortest[state] = _states.Accepts(state) ? 0 : 1 + next.Min(after => _shortest[after]);
        return _shortest[wanted];
    }

    private Mask Compute(int state)
    {
        uint[] allowed = new uint[MaskWords];
        int mostBytesLeft = 0;
        foreach ((int node, int after) in new TokenWalk(_trie, _states, state))
        {
            mostBytesLeft = Math.Max(mostBytesLeft, _states.ShortestBytes(after));
            Allow(node, allowed);
        }
        AllowEnd(state, allowed);
        return new Mask(allowed, mostBytesLeft);
    }

    /// <summary>
    /// The masks of a state by how many tokens the shortest completions take after theirs, each with the tokens of those before it.
    /// </summary>
    private NearMask[] ComputeNear(int state)
    {
        var costs = new SortedDictionary<int, uint[]>();
        foreach ((int node, int after) in new TokenWalk(_trie, _states, state))
        {
            int cost = FindShortestTokens(after);
            if (!costs.TryGetValue(cost, out uint[]? mask)) costs[cost] = mask = new uint[MaskWords];
            Allow(node, mask);
        }
        uint[] end = new uint[MaskWords];
        AllowEnd(state, end);
        NearMask[] masks = [new NearMask(-1, end), .. costs.Select(c => new NearMask(c.Key, c.Value))];
        for (int i = 1; i < masks.Length; i++)
            for (int word = 0; word < MaskWords; word++) masks[i].Allowed[word] |= masks[i - 1].Allowed[word];
        return masks;
    }

    private void Allow(int node, Span<uint> allowed)
    {
        foreach (int token in _trie.TokensAt(_trie.Nodes[node])) allowed[token / 32] |= 1u << (token % 32);
    }

    private void AllowEnd(int state, Span<uint> allowed)
    {
        if (!_states.Accepts(state)) return;
        foreach (int end in (ReadOnlySpan<int>)[_tokenizer.Eos, _tokenizer.EndOfTurn])
            if (end >= 0) allowed[end / 32] |= 1u << (end % 32);
    }

    /// <param name="Allowed">The tokens that may follow.</param>
    /// <param name="MostBytesLeft">The shortest completion, in bytes, after the worst of them.</param>
    private readonly record struct Mask(uint[] Allowed, int MostBytesLeft);

    /// <param name="TokensAfter">Most tokens that the shortest completion takes after a token of the mask; -1 for the end tokens
    /// alone.</param>
    /// <param name="Allowed">The tokens that may follow.</param>
    private readonly record struct NearMask(int TokensAfter, uint[] Allowed);
}
