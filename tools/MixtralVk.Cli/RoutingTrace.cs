using System.Globalization;
using System.Text;
using MixtralVk.Model;

namespace MixtralVk.Cli;

/// <summary>
/// Writes down what the router chose, for tools/ExpertSimulator: a line with layers, experts and experts per token, then a line per token
/// with its experts, layer after layer, the heaviest first, with spaces between.
/// </summary>
internal sealed class RoutingTrace
{
    private readonly StringBuilder _text = new();
    private readonly int[][] _chunk; // [layer]: (tokens, topK) of the step in progress
    private readonly int _topK;

    public RoutingTrace(ModelConfig config)
    {
        _topK = config.ExpertsPerToken;
        _chunk = new int[config.LayerCount][];
        _text.Append(CultureInfo.InvariantCulture, $"{config.LayerCount} {config.ExpertCount} {_topK}\n");
    }

    /// <summary>(tokens, topK) choices in a layer; layers come in order.</summary>
    public void Add(int layer, ReadOnlySpan<int> chosen)
    {
        _chunk[layer] = chosen.ToArray();
        if (layer < _chunk.Length - 1) return;
        for (int first = 0; first < chosen.Length; first += _topK)
            _text.AppendJoin(' ', _chunk.SelectMany(choices => choices.Skip(first).Take(_topK))).Append('\n');
    }

    public byte[] ToBytes() => Encoding.ASCII.GetBytes(_text.ToString());
}
