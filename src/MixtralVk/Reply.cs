using System.Collections;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace MixtralVk;

/// <summary>
/// An answer in a <see cref="Chat"/>: enumerate it, once, to get its text piece by piece. Leaving the loop early, or cancelling, ends the
/// answer there.
/// </summary>
public sealed class Reply : IEnumerable<string>
{
    private readonly Chat _chat;
    private readonly string _question;
    private readonly GenerationOptions _options;
    private CancellationToken _cancellationToken;
    private readonly StringBuilder _text = new();
    private readonly List<int> _tokens = [];
    private Generation? _generation;
    private bool _started;

    internal Reply(Chat chat, string question, GenerationOptions options, CancellationToken cancellationToken)
    {
        _chat = chat;
        _question = question;
        _options = options;
        _cancellationToken = cancellationToken;
    }

    /// <summary>The text so far; the whole answer once it is enumerated.</summary>
    public string Text => _text.ToString();

    /// <summary>Token ids so far, with the one that ended the answer.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Why the answer ended; null while it runs.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>True when the answer is complete by its <see cref="GenerationOptions.Constraint"/>; an interrupted one is not to be parsed.</summary>
    public bool IsComplete => _generation is { IsComplete: true };

    /// <summary>What it took.</summary>
    public GenerationTimings Timings => _generation?.Timings ?? default;

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        if (_started) throw new InvalidOperationException("An answer can be enumerated only once; its text stays in Text.");
        _started = true;
        return Run();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The pieces, computed on the thread pool.</summary>
    public async IAsyncEnumerable<string> StreamAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_cancellationToken, cancellationToken);
        _cancellationToken = both.Token;
        using IEnumerator<string> pieces = GetEnumerator();
        Func<bool> next = pieces.MoveNext;
        while (await Task.Run(next, CancellationToken.None).ConfigureAwait(false)) yield return pieces.Current;
    }

    private IEnumerator<string> Run()
    {
        if (!TryPrefill())
        {
            FinishReason = MixtralVk.FinishReason.Cancelled;
            yield break; // nothing was answered: the question is not part of the conversation
        }
        _generation = _chat.Session.Generate(_options, _cancellationToken);
        bool trim = true;
        try
        {
            foreach (GeneratedToken token in _generation)
            {
                _tokens.Add(token.Id);
                string piece = trim ? token.Text.TrimStart(' ') : token.Text;
                if (piece.Length > 0)
                {
                    trim = false;
                    _text.Append(piece);
                    yield return piece;
                }
            }
        }
        finally
        {
            FinishReason = _generation.FinishReason ?? MixtralVk.FinishReason.Cancelled;
            if (_tokens.Count > 0) _chat.Record(_question, Text, _tokens, FinishReason);
        }
    }

    private bool TryPrefill()
    {
        List<int> prompt = _chat.BuildPrompt(_question, _options);
        try
        {
            _chat.Session.Prefill(CollectionsMarshal.AsSpan(prompt), _cancellationToken);
            return true;
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
