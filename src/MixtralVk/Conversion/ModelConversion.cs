using MixtralVk.Conversion.Quantizers;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>
/// A model on its way into a GGUF file of another type. Opening checks everything that can be checked without the weights;
/// <see cref="Write"/> then streams them: a few pieces of a few megabytes are in memory at a time, whatever the model's size.
/// <code>
/// using var conversion = ModelConversion.OpenCheckpoint("Mixtral-8x7B-Instruct-v0.1", QuantizationType.Q4_K_M);
/// using FileStream file = File.Create("mixtral-q4_k_m.gguf");
/// conversion.Write(file);
/// </code>
/// </summary>
public sealed class ModelConversion : IDisposable
{
    private const int Alignment = 32, PieceValues = 1 << 20, PiecesPerThread = 4, MostPieces = 256; // of at most 8 MB each

    private readonly IDisposable _source;
    private readonly GgufMetadata _metadata;
    private readonly ImportanceMatrix? _importance;
    private readonly List<(SourceTensor Tensor, GgmlType Type, long Bytes)> _tensors = [];

    private ModelConversion(IDisposable source, IEnumerable<SourceTensor> tensors, TensorTypes types, GgufMetadata metadata,
        ImportanceMatrix? importance)
    {
        (_source, _metadata, _importance) = (source, metadata, importance);
        foreach (SourceTensor tensor in tensors)
        {
            GgmlType type = types.Of(tensor);
            if (tensor.StoredType is { } stored && stored != type && stored.WeightFormat() is null)
                throw tensor.Error($"has type {stored}, which cannot be read yet.");
            if (importance?.Columns(tensor.Name) is { } columns && columns != tensor.Cols)
                throw tensor.Error($"has {tensor.Cols} columns, but {columns} in the importance matrix: it was made of another model.");
            (int elements, int bytes) = type.Block();
            _tensors.Add((tensor, type, tensor.Cols / elements * bytes * tensor.RowCount));
        }
        if (importance is not null && !_tensors.Exists(t => importance.Columns(t.Tensor.Name) is not null))
            throw new MixtralException("The importance matrix knows no tensor of this model: it was made of another one.");
    }

    /// <summary>Bytes of tensor data to be written; the header adds a few megabytes at most.</summary>
    public long OutputBytes => _tensors.Sum(tensor => tensor.Bytes);

    /// <summary>Opens a folder with safetensors files in the form of Hugging Face or of Mistral.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">What to store the weights in.</param>
    /// <param name="pure">Give every matrix the one type, with no bits to spare where they count most.</param>
    /// <param name="importance">Weighs the error of each column; null weighs all alike.</param>
    /// <param name="descriptionPath">A JSON file with <c>general.*</c> values (author, licence …) for the file, or null.</param>
    /// <exception cref="ModelFileException">The folder cannot be converted; the message names file and tensor.</exception>
    public static ModelConversion OpenCheckpoint(string folder, QuantizationType type, bool pure = false,
        ImportanceMatrix? importance = null,
        string? descriptionPath = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Checkpoint checkpoint = Checkpoint.Open(folder);
        try
        {
            var types = new TensorTypes(type, checkpoint.Config.Model.LayerCount, checkpoint.Config.Model.ExpertCount,
                checkpoint.Config.TiedOutput, pure);
            return new ModelConversion(checkpoint, checkpoint.Tensors, types,
                CheckpointMetadata.Of(checkpoint, types.FileType, descriptionPath), importance);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens a GGUF file, split or whole. Its other metadata stays as it is; tensors that already have their new type are copied bit for
    /// bit.
    /// </summary>
    /// <inheritdoc cref="OpenCheckpoint"/>
    public static ModelConversion OpenGguf(string path, QuantizationType type, bool pure = false, ImportanceMatrix? importance = null)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            long layers = file.Integer("llama.block_count")
                ?? throw file.Error("llama.block_count is missing: this is not a model of architecture 'llama'.");
            if (layers is < 1 or > 1024) throw file.Error($"llama.block_count is {layers}; 1 to 1024 is supported.");
            var types = new TensorTypes(type, (int)layers, (int)Math.Clamp(file.Integer("llama.expert_count") ?? 0, 0, int.MaxValue),
                !file.Tensors.ContainsKey("output.weight"), pure);
            GgufMetadata metadata = GgufMetadata.CopyOf(file)
                .Remove("general.file_type", "general.quantization_version", "general.alignment", "split.no", "split.count",
                "split.tensors.count")
                .Add("general.file_type", types.FileType).Add("general.quantization_version", 2u).Add("general.alignment", (uint)Alignment);
            return new ModelConversion(file, file.Tensors.Values.Select(tensor => new GgufSourceTensor(file, tensor)), types,
                metadata, importance);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes the file. The stream is left open, and what is in it after an exception is of no use.</summary>
    /// <param name="output">Where to; written from front to back.</param>
    /// <param name="threads">Threads that quantise; 0 takes one per processor.</param>
    /// <param name="progress">Told after each piece, on the calling thread.</param>
    /// <param name="cancellation">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ModelFileException">The weights cannot be read, or the type cannot hold one of them.</exception>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public void Write(Stream output, int threads = 0, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (threads == 0) threads = Environment.ProcessorCount;
        var entries = new List<GgufTensorEntry>();
        long offset = 0;
        foreach ((SourceTensor tensor, GgmlType type, long bytes) in _tensors)
        {
            entries.Add(new GgufTensorEntry(tensor.Name, type, tensor.Dimensions, (ulong)offset));
            offset += bytes + GgufHeaderWriter.Padding(bytes, Alignment);
        }
        GgufHeaderWriter.Write(output, 3, Alignment, _metadata, entries);

        var pieces = new Piece[(int)Math.Min((long)threads * PiecesPerThread, MostPieces)];
        long done = 0, total = OutputBytes;
        foreach ((SourceTensor tensor, GgmlType type, long bytes) in _tensors)
        {
            int rowsPerPiece = Math.Max(1, PieceValues / tensor.Cols);
            for (long first = 0; first < tensor.RowCount; first += (long)rowsPerPiece * pieces.Length)
            {
                int count = (int)Math.Min(pieces.Length, (tensor.RowCount - first + rowsPerPiece - 1) / rowsPerPiece);
                Quantize(tensor, type, pieces.AsMemory(0, count), first, rowsPerPiece, threads, cancellation);
                foreach (Piece piece in pieces.AsSpan(0, count))
                {
                    output.Write(piece.Blocks.AsSpan(0, piece.Bytes));
                    done += piece.Bytes;
                    progress?.Report(new LoadProgress(done, total, tensor.Name));
                }
            }
            output.Write(new byte[GgufHeaderWriter.Padding(bytes, Alignment)]);
        }
    }

    /// <summary>Closes the source.</summary>
    public void Dispose() => _source.Dispose();

    /// <summary>Fills the pieces with consecutive rows, in parallel.</summary>
    private void Quantize(SourceTensor tensor, GgmlType type, Memory<Piece> pieces, long firstRow, int rowsPerPiece, int threads,
        CancellationToken cancellation)
    {
        InParallel.ForEach(Enumerable.Range(0, pieces.Length), threads, i =>
        {
            long first = firstRow + (long)i * rowsPerPiece;
            Fill(ref pieces.Span[i], tensor, type, first, (int)Math.Min(rowsPerPiece, tensor.RowCount - first));
        }, cancellation);
    }

    private void Fill(ref Piece piece, SourceTensor tensor, GgmlType type, long firstRow, int rowCount)
    {
        (int elements, int blockBytes) = type.Block();
        int cols = tensor.Cols, rowBytes = cols / elements * blockBytes;
        piece.Bytes = rowCount * rowBytes;
        if (piece.Blocks is null || piece.Blocks.Length < piece.Bytes) piece.Blocks = new byte[piece.Bytes];
        if (tensor.StoredType == type)
        {
            tensor.CopyRows(firstRow, rowCount, piece.Blocks.AsSpan(0, piece.Bytes));
            return;
        }
        if (piece.Values is null || piece.Values.Length < rowCount * cols) piece.Values = new float[rowCount * cols];
        Span<float> values = piece.Values.AsSpan(0, rowCount * cols);
        tensor.ReadRows(firstRow, rowCount, values);
        BlockQuantizer quantizer = BlockQuantizer.Of(type) ?? throw new InvalidOperationException($"There is no quantizer for {type}.");
        CheckValues(tensor, values, quantizer.Largest, type);

        long matrix = -1;
        ReadOnlySpan<float> importance = default;
        for (int row = 0; row < rowCount; row++)
        {
            if ((firstRow + row) / tensor.RowsPerMatrix != matrix)
            {
                matrix = (firstRow + row) / tensor.RowsPerMatrix;
                importance = Importance(tensor, (int)matrix);
            }
            quantizer.QuantizeRow(values.Slice(row * cols, cols), importance, piece.Blocks.AsSpan(row * rowBytes, rowBytes));
        }
    }

    private float[] Importance(SourceTensor tensor, int matrix)
    {
        if (_importance?.Weights(tensor.Name, matrix, tensor.Cols) is { } weights) return weights;
        float[] alike = new float[tensor.Cols];
        Array.Fill(alike, 1);
        return alike;
    }

    private static void CheckValues(SourceTensor tensor, ReadOnlySpan<float> values, float largest, GgmlType type)
    {
        foreach (float value in values)
        {
            if (MathF.Abs(value) <= largest) continue; // false for NaN
            throw tensor.Error(float.IsFinite(value)
                ? $"has the value {value:R}, which {type} cannot hold." : "has a value that is not a finite number.");
        }
    }

    /// <summary>Rows on their way, and the buffers that are used again.</summary>
    private struct Piece
    {
        public float[]? Values;
        public byte[]? Blocks;
        public int Bytes;
    }
}
