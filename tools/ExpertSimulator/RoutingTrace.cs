using System.Globalization;

namespace ExpertSimulator;

/// <summary>
/// What a model's router chose, token by token: int (tokens, layers, topK). As `mixtralvk routing --trace` writes it: a line of sizes, then
/// a line per token.
/// </summary>
internal sealed record RoutingTrace(int Layers, int Experts, int TopK, int[] Choices)
{
    public int Tokens => Choices.Length / (Layers * TopK);

    /// <summary>(topK): the choices of a token in a layer.</summary>
    public ReadOnlySpan<int> Of(int token, int layer) => Choices.AsSpan((token * Layers + layer) * TopK, TopK);

    /// <summary>Reads a file. Throws <see cref="InvalidDataException"/> naming the line that is wrong.</summary>
    public static RoutingTrace Read(string path)
    {
        using var reader = new StreamReader(path);
        int[] sizes = Numbers(reader.ReadLine() ?? "", 1);
        if (sizes is not [> 0, > 0, > 0])
            throw new InvalidDataException($"{path}: line 1 must have layers, experts and experts per token.");
        var trace = new RoutingTrace(sizes[0], sizes[1], sizes[2], []);
        var choices = new List<int>();
        int number = 1;
        while (reader.ReadLine() is { } line)
        {
            int[] token = Numbers(line, ++number);
            if (token.Length != trace.Layers * trace.TopK || token.Any(expert => (uint)expert >= (uint)trace.Experts))
                throw new InvalidDataException(
                    $"{path}: line {number} must have {trace.Layers * trace.TopK} experts below {trace.Experts}.");
            choices.AddRange(token);
        }
        return trace with { Choices = [.. choices] };

        int[] Numbers(string line, int at)
        {
            var numbers = new List<int>();
            foreach (string word in line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                numbers.Add(int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int n)
                    ? n : throw new InvalidDataException($"{path}: line {at} has '{word}', which is no number."));
            return [.. numbers];
        }
    }

    /// <summary>A router without any preference: each token's experts drawn anew.</summary>
    public static RoutingTrace Even(int tokens, int layers = 32, int experts = 8, int topK = 2)
    {
        var random = new Random(1);
        return new RoutingTrace(layers, experts, topK,
            [.. Enumerable.Range(0, tokens * layers).SelectMany(_ => Enumerable.Range(0, experts).OrderBy(_ => random.Next()).Take(topK))]);
    }
}
