using System.Text;

namespace MixtralVk.Grammar;

/// <summary>
/// Finds any of some texts in a stream of UTF-8 bytes (A. V. Aho, M. J. Corasick, "Efficient string matching", 1975): a state says how much
/// of each text the stream's end is. Immutable.
/// </summary>
internal sealed class StringAutomaton
{
    public const int Start = 0;

    /// <summary>Most bytes of all texts together: each takes a row of 256 steps.</summary>
    public const int MaxBytes = 16384;

    private readonly bool _ignoreCase;
    private readonly List<int[]> _next = [new int[256]];
    private readonly List<bool> _ends = [false];

    /// <summary>Throws <see cref="ArgumentException"/> for texts that are too long together, or an empty one.</summary>
    public StringAutomaton(IEnumerable<string> texts, bool ignoreCase)
    {
        _ignoreCase = ignoreCase;
        foreach (string text in texts) Add(Encoding.UTF8.GetBytes(text));
        Link();
    }

    public int StateCount => _next.Count;

    public int Step(int state, byte value) => _next[state][Folded(value)];

    /// <summary>True where one of the texts has just come to its end.</summary>
    public bool Ends(int state) => _ends[state];

    private void Add(byte[] text)
    {
        if (text.Length == 0) throw new ArgumentException("A text to look for must not be empty.");
        int state = Start;
        foreach (byte value in text)
        {
            ref int next = ref _next[state][Folded(value)];
            if (next == 0)
            {
                if (_next.Count > MaxBytes) throw new ArgumentException($"The texts to look for have more than {MaxBytes} bytes.");
                next = _next.Count;
                _next.Add(new int[256]);
                _ends.Add(false);
            }
            state = next;
        }
        _ends[state] = true;
    }

    /// <summary>
    /// Fills in, nearest to the start first, where a state goes on when its own texts do not: where the longest shorter end of it goes.
    /// </summary>
    private void Link()
    {
        int[] shorter = new int[_next.Count];
        var open = new Queue<int>();
        open.Enqueue(Start);
        while (open.TryDequeue(out int state))
        {
            _ends[state] |= _ends[shorter[state]];
            for (int value = 0; value < 256; value++)
            {
                int next = _next[state][value];
                int otherwise = state == Start ? Start : _next[shorter[state]][value];
                if (next == 0) _next[state][value] = otherwise;
                else
                {
                    shorter[next] = otherwise;
                    open.Enqueue(next);
                }
            }
        }
    }

    private byte Folded(byte value) => _ignoreCase && value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value | 0x20) : value;
}
