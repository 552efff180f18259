using System.Runtime.CompilerServices;
using MixtralVk.Tokenization;

namespace MixtralVk.Grammar;

/// <summary>
/// Some texts, and with which tokens of a vocabulary one of them would be complete, wherever the borders of the tokens lie. What is
/// computed for a state is kept. Thread-safe.
/// </summary>
internal sealed class WatchedTexts
{
    private static readonly ConditionalWeakTable<IReadOnlyList<string>, ConditionalWeakTable<Tokenizer, WatchedTexts>> Exact = [],
        AnyCase = [];

    private readonly StringAutomaton _texts;
    private readonly TokenTrie _trie;
    private readonly uint[]?[] _completing; // by state

    private WatchedTexts(IReadOnlyList<string> texts, bool ignoreCase, Tokenizer tokenizer)
    {
        _texts = new StringAutomaton(texts, ignoreCase);
        _trie = TokenTrie.Of(tokenizer);
        _completing = new uint[_texts.StateCount][];
    }

    /// <summary>The texts of a list that does not change, for a vocabulary; made once.</summary>
    public static WatchedTexts Of(IReadOnlyList<string> texts, bool ignoreCase, Tokenizer tokenizer) =>
        (ignoreCase ? AnyCase : Exact).GetValue(texts, _ => []).GetValue(tokenizer, t => new WatchedTexts(texts, ignoreCase, t));

    /// <summary>
    /// The tokens (bit <c>t % 32</c> of word <c>t / 32</c>) with which one of the texts is complete, perhaps in the midst of the token.
    /// </summary>
    public ReadOnlyMemory<uint> Completing(int state) => Volatile.Read(ref _completing[state]) ?? (_completing[state] = Compute(state));

    /// <summary>The state after a token; <paramref name="complete"/> is true where one of the texts came to its end in it.</summary>
    public int Step(int state, int token, out bool complete)
    {
        complete = false;
        foreach (byte value in _trie.BytesOf(token))
        {
            state = _texts.Step(state, value);
            complete |= _texts.Ends(state);
        }
        return state;
    }

    private uint[] Compute(int start)
    {
        uint[] completing = new uint[(_trie.VocabSize + 31) / 32];
        Span<int> path = stackalloc int[TokenTrie.MaxTokenBytes + 1]; // state before each byte of the way to a node
        path[0] = start;
        for (int i = 0; i < _trie.Nodes.Length;)
        {
            ref readonly TokenTrie.Node node = ref _trie.Nodes[i];
            int state = path[node.Level + 1] = _texts.Step(path[node.Level], node.Value);
            if (_texts.Ends(state))
                foreach (int token in _trie.TokensFrom(node)) Mark(token, completing);
            i = _texts.Ends(state) ? node.End : i + 1;
        }
        foreach (int token in _trie.LongTokens)
        {
            Step(start, token, out bool complete);
            if (complete) Mark(token, completing);
        }
        return completing;
    }

    private static void Mark(int token, uint[] mask) => mask[token / 32] |= 1u << (token % 32);
}
