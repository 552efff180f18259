using MixtralVk.Cli.Commands;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>Counts the router's choices on one text.</summary>
internal sealed class TextRouting
{
    private readonly string _path;
    private readonly int _experts, _topK;
    private readonly long[][] _choices; // [layer][expert]
    private readonly long[] _repeated, _pairs;
    private readonly int[] _lastFirst;  // -1: no token before

    public TextRouting(string path, ModelConfig config)
    {
        _path = path;
        (_experts, _topK) = (config.ExpertCount, config.ExpertsPerToken);
        _choices = [.. Enumerable.Range(0, config.LayerCount).Select(_ => new long[_experts])];
        _repeated = new long[config.LayerCount];
        _pairs = new long[config.LayerCount];
        _lastFirst = new int[config.LayerCount];
        EndWindow();
    }

    /// <summary>Counts (tokens, topK) choices, the heaviest expert first.</summary>
    public void Add(int layer, ReadOnlySpan<int> chosen)
    {
        foreach (int expert in chosen) _choices[layer][expert]++;
        for (int i = 0; i < chosen.Length; i += _topK)
        {
            if (_lastFirst[layer] >= 0) _pairs[layer]++;
            if (_lastFirst[layer] == chosen[i]) _repeated[layer]++;
            _lastFirst[layer] = chosen[i];
        }
    }

    /// <summary>The next token does not follow the last one.</summary>
    public void EndWindow() => Array.Fill(_lastFirst, -1);

    public TextReport Report() => new(Path.GetFileNameWithoutExtension(_path), _path, _choices[0].Sum() / _topK,
        [.. _choices.Select((counts, layer) => new LayerReport(
            [.. counts.Select(count => (double)count / counts.Sum())],
            _pairs[layer] == 0 ? 0 : (double)_repeated[layer] / _pairs[layer]))]);
}
