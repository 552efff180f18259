using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Tokenization;

namespace MixtralVk.Loading;

/// <summary>A model of architecture <c>llama</c> in a GGUF file: sparse (Mixtral) or dense (Mistral, Llama).</summary>
internal sealed class GgufModelSource : ModelSource
{
    private readonly GgufFile _file;
    private readonly GgufWeights _weights;

    private GgufModelSource(GgufFile file)
    {
        _file = file;
        Vocabulary = GgufVocabulary.Read(file);
        Config = GgufConfig.Read(file, Vocabulary.Tokens.Length);
        _weights = new GgufWeights(file, Config);
    }

    public override string Path => _file.Path;
    public override ModelConfig Config { get; }
    public override VocabularyData Vocabulary { get; }
    public override bool OutputIsEmbedding => _weights.OutputIsEmbedding;

    public static new GgufModelSource Open(string path)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new GgufModelSource(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override RowTileLayout Layout(MatrixRole role, int layer = 0, int expert = 0) => _weights.Find(role, layer, expert).Layout;

    public override void CopyTiles(MatrixRole role, int layer, int expert, int firstTile, int tileCount, Span<byte> destination)
    {
        GgufMatrix matrix = _weights.Find(role, layer, expert);
        RowTileLayout layout = matrix.Layout;
        ArgumentOutOfRangeException.ThrowIfNegative(firstTile);
        ArgumentOutOfRangeException.ThrowIfNegative(tileCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstTile, layout.Tiles - tileCount);
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, tileCount * layout.TileBytes);

        int tileBytes = (int)layout.TileBytes;
        for (int i = 0; i < tileCount; i++)
        {
            int firstRow = (firstTile + i) * RowTileLayout.TileRows;
            int rows = Math.Min(RowTileLayout.TileRows, layout.Rows - firstRow);
            RowTile.Repack(layout, _file.Rows(matrix.Tensor, matrix.FirstRow + firstRow, rows), rows,
                destination.Slice(i * tileBytes, tileBytes));
        }
    }

    public override float[] Norm(NormRole role, int layer = 0) => Floats(_weights.Norm(role, layer));

    public override float[] Router(int layer) => Floats(_weights.Router(layer));

    public override ModelSummary Describe()
    {
        var types = _file.Tensors.Values.GroupBy(t => t.Type)
            .Select(g => new TensorTypeCount(g.Key.ToString(), g.Count(), g.Sum(t => t.Bytes)))
            .OrderByDescending(t => t.Bytes);
        return ModelSummary.Of(this, _file.Text("general.architecture")!, _file.Length, [.. types]);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _file.Dispose();
    }

    /// <summary>A small matrix as row-major floats.</summary>
    private float[] Floats(GgufMatrix matrix)
    {
        RowTileLayout layout = matrix.Layout;
        var values = new float[(long)layout.Rows * layout.Cols];
        var tile = new byte[layout.TileBytes];
        for (int firstRow = 0; firstRow < layout.Rows; firstRow += RowTileLayout.TileRows)
        {
            int rows = Math.Min(RowTileLayout.TileRows, layout.Rows - firstRow);
            RowTile.Repack(layout, _file.Rows(matrix.Tensor, matrix.FirstRow + firstRow, rows), rows, tile);
            RowTile.DequantizeRows(layout, tile, values.AsSpan(firstRow * layout.Cols, rows * layout.Cols));
        }
        return values;
    }
}
