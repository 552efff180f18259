namespace MixtralVk.Grammar;

/// <summary>
/// Walks the tokens that can follow in a state of a grammar: each step gives a node of the token tree where tokens end, and the state after
/// them. Parts of the tree that begin with an impossible byte are skipped whole.
/// </summary>
internal ref struct TokenWalk
{
    private readonly TokenTrie _trie;
    private readonly MatchStates _states;
    private Path _path; // state before each byte of the way to the current node
    private int _next;

    public TokenWalk(TokenTrie trie, MatchStates states, int state)
    {
        _trie = trie;
        _states = states;
        _path[0] = state;
    }

    public (int Node, int State) Current { readonly get; private set; }

    public readonly TokenWalk GetEnumerator() => this;

    public bool MoveNext()
    {
        ReadOnlySpan<TokenTrie.Node> nodes = _trie.Nodes;
        while (_next < nodes.Length)
        {
            ref readonly TokenTrie.Node node = ref nodes[_next];
            int after = _states.Step(_path[node.Level], node.Value);
            if (after == MatchStates.Dead)
            {
                _next = node.End;
                continue;
            }
            _path[node.Level + 1] = after;
            if (node.TokenCount > 0)
            {
                Current = (_next++, after);
                return true;
            }
            _next++;
        }
        return false;
    }

    [System.Runtime.CompilerServices.InlineArray(TokenTrie.MaxTokenBytes + 1)]
    private struct Path
    {
        private int _first;
    }
}
