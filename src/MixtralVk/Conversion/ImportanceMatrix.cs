using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>
/// How large the inputs of each matrix are, column by column: the mean square of the activations a text caused. The error of an output is
/// the sum of weight error times input, so these are the weights a quantiser should give its columns. Experts have their own. Stored as
/// GGUF, in the form of llama.cpp's <c>llama-imatrix</c>: for each matrix <c>NAME.in_sum2</c>, (columns, experts) sums of squares, and
/// <c>NAME.counts</c>, (1, experts) numbers of inputs.
/// </summary>
public sealed partial class ImportanceMatrix
{
    private const string SumsSuffix = ".in_sum2", CountsSuffix = ".counts";
    // A column that the text hardly used must not become free for any error.
    private const float Floor = 0.01f;

    private readonly Dictionary<string, Inputs> _inputs;
    private readonly int _chunkTokens;

    internal ImportanceMatrix(Dictionary<string, Inputs> inputs, int chunkTokens) => (_inputs, _chunkTokens) = (inputs, chunkTokens);

    /// <summary>Names of the matrices, as the model file spells them.</summary>
    public IReadOnlyCollection<string> Names => _inputs.Keys;

    /// <summary>
    /// Computes a text on the CPU, in chunks of the model's context or 512 tokens that know nothing of each other; each begins with the
    /// vocabulary's begin token.
    /// </summary>
    /// <param name="source">The model, with weights as exact as there are.</param>
    /// <param name="text">Text of the kind the model is for; some ten thousand tokens are enough.</param>
    /// <param name="threads">Threads; 0 takes one per processor.</param>
    /// <param name="progress">Told after each chunk; the bytes stand for tokens.</param>
    /// <param name="cancellation">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The text has no tokens.</exception>
    /// <exception cref="Model.NonFiniteException">The model's weights are damaged.</exception>
    public static ImportanceMatrix Collect(ModelSource source, string text, int threads = 0, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(text);
        return ImportanceCollector.Collect(source, text, threads, progress, cancellation);
    }

    /// <summary>Reads a file of this program or of <c>llama-imatrix</c> (its GGUF form).</summary>
    /// <exception cref="ModelFileException">The file cannot be used.</exception>
    public static ImportanceMatrix Open(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        if (file.Text("general.type") != "imatrix") throw file.Error("is not an importance matrix (general.type is not 'imatrix').");
        var inputs = new Dictionary<string, Inputs>();
        foreach ((string name, GgufTensor sums) in file.Tensors)
        {
            if (!name.EndsWith(SumsSuffix, StringComparison.Ordinal)) continue;
            string matrix = name[..^SumsSuffix.Length];
            if (!file.Tensors.TryGetValue(matrix + CountsSuffix, out GgufTensor? counts))
                throw file.Error($"tensor '{matrix}{CountsSuffix}' is missing.");
            if (sums.Type != GgmlType.F32 || counts.Type != GgmlType.F32 || sums.RowCount != counts.RowCount || counts.Dimensions[0] != 1
                || sums.RowCount > 1024)
                throw file.Error($"tensors '{name}' and '{matrix}{CountsSuffix}' do not belong together.");
            if (sums.Bytes > int.MaxValue) throw file.Error($"tensor '{name}' has {sums.Bytes} bytes, more than any model needs.");
            inputs[matrix] = new Inputs((int)sums.Dimensions[0], Read(file, sums), Read(file, counts));
        }
        return inputs.Count > 0 ? new ImportanceMatrix(inputs,
            (int)Math.Clamp(file.Integer("imatrix.chunk_size") ?? 512, 1, 1 << 20)) : throw file.Error("has no importance in it.");
    }

    /// <summary>Writes the file.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="dataset">Where the text came from, for people.</param>
    public void Save(Stream output, string dataset)
    {
        ArgumentNullException.ThrowIfNull(output);
        GgufMetadata metadata = new GgufMetadata().Add("general.type", "imatrix").Add("imatrix.datasets", (string[])[dataset])
            .Add("imatrix.chunk_count", (uint)Chunks).Add("imatrix.chunk_size", (uint)_chunkTokens);
        var entries = new List<GgufTensorEntry>();
        var data = new List<float[]>();
        long offset = 0;
        foreach ((string name, Inputs inputs) in _inputs.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Add(name + SumsSuffix, inputs.Columns, inputs.Sums);
            Add(name + CountsSuffix, 1, inputs.Counts);
        }
        GgufHeaderWriter.Write(output, 3, 32, metadata, entries);
        foreach (float[] values in data)
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan());
            output.Write(bytes);
            output.Write(new byte[GgufHeaderWriter.Padding(bytes.Length, 32)]);
        }

        void Add(string name, int columns, float[] values)
        {
            entries.Add(new GgufTensorEntry(name, GgmlType.F32, [columns, values.Length / columns], (ulong)offset));
            data.Add(values);
            long bytes = (long)values.Length * sizeof(float);
            offset += bytes + GgufHeaderWriter.Padding(bytes, 32);
        }
    }

    /// <summary>
    /// Weight of each column of one matrix of a tensor, or null where nothing is known: the tensor is not in the file, or no token of the
    /// text came to this expert.
    /// </summary>
    internal float[]? Weights(string tensor, int matrix, int columns)
    {
        if (Find(tensor, ref matrix) is not { } inputs || inputs.Columns != columns) return null;
        // A matrix whose inputs do not differ between experts is stored once.
        int at = inputs.Counts.Length == 1 ? 0 : matrix;
        if (at >= inputs.Counts.Length || !(inputs.Counts[at] > 0)) return null;
        ReadOnlySpan<float> sums = inputs.Sums.AsSpan(at * columns, columns);
        double mean = 0;
        foreach (float sum in sums) mean += sum / (double)columns;
        if (!(mean > 0) || !double.IsFinite(mean)) return null;
        // Divided by their mean, so that sums of them stay far from the ends of a float's range.
        float[] weights = new float[columns];
        for (int i = 0; i < columns; i++) weights[i] = (float)(sums[i] / mean) + Floor;
        return weights;
    }

    /// <summary>Columns of a tensor, or null where nothing is known of it.</summary>
    internal int? Columns(string tensor)
    {
        int matrix = 0;
        return Find(tensor, ref matrix)?.Columns;
    }

    /// <summary>
    /// What is known of a tensor. One that holds a single expert, as older files have them, is a matrix of the merged one.
    /// </summary>
    private Inputs? Find(string tensor, ref int matrix)
    {
        if (_inputs.TryGetValue(tensor, out Inputs? inputs)) return inputs;
        Match expert = SingleExpert().Match(tensor);
        return expert.Success && int.TryParse(expert.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out matrix)
            ? _inputs.GetValueOrDefault(expert.Groups[1].Value + "_exps.weight") : null;
    }

    [GeneratedRegex(@"^(blk\.[0-9]+\.ffn_(?:gate|up|down))\.([0-9]+)\.weight$", RegexOptions.CultureInvariant)]
    private static partial Regex SingleExpert();

    private double Chunks => Math.Max(1, Math.Round(_inputs.Values.Max(inputs => inputs.Counts.Max()) / _chunkTokens));

    private static float[] Read(GgufFile file, GgufTensor tensor)
    {
        float[] values = new float[tensor.Bytes / sizeof(float)];
        MemoryMarshal.Cast<byte, float>(file.Rows(tensor, 0, checked((int)tensor.RowCount))).CopyTo(values);
        foreach (float value in values)
            if (!(value >= 0 && float.IsFinite(value)))
                throw file.Error($"tensor '{tensor.Name}' has a value that is not a number of 0 or more.");
        return values;
    }

    /// <summary>
    /// What one tensor's matrices were multiplied with: (experts, columns) sums of squares, and how many inputs each had.
    /// </summary>
    internal sealed record Inputs(int Columns, float[] Sums, float[] Counts);
}
