using MixtralVk.Reference;
using MixtralVk.Testing;

namespace MixtralVk.Tests.Experts;

/// <summary>What the reference makes of random tokens: the logits that a pass must have wherever its experts are.</summary>
internal sealed class ExpectedLogits
{
    private const double Bound = 2e-5;

    private readonly float[] _logits;
    private readonly int _vocab;
    private readonly IReadOnlySet<int> _nearTies;

    public ExpectedLogits(string file, int tokens)
    {
        ReferenceModel reference = ReferenceModels.Open(file);
        _vocab = reference.Config.VocabSize;
        Tokens = TestDevices.RandomTokens(tokens, _vocab);
        _logits = reference.Logits(Tokens);
        _nearTies = LogitsComparison.NearTies(reference, Tokens);
    }

    public int[] Tokens { get; }

    /// <summary>Fails where these are not the logits.</summary>
    public void Check(float[] logits) => Assert.Null(new LogitsComparison(_logits, logits, _vocab, _nearTies).Problem(Bound));
}
