using System.Runtime.InteropServices;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Tokenization;

namespace MixtralVk.Packing;

/// <summary>A model in a packed file: its tiles are read as they are, or used in place.</summary>
internal sealed class PackedModelSource : ModelSource
{
    private readonly PackedFile _file;
    private readonly Dictionary<TensorKey, PackedTensor> _tensors;

    private PackedModelSource(PackedFile file)
    {
        _file = file;
        _tensors = file.Header.Tensors.ToDictionary(t => t.Key);
    }

    public override string Path => _file.Path;
    public override ModelConfig Config => _file.Header.Config;
    public override VocabularyData Vocabulary => _file.Header.Vocabulary;
    public override bool OutputIsEmbedding => !_tensors.ContainsKey(new TensorKey(TensorRole.Output));
    public override bool CanMap => true;

    /// <summary>SHA-256 that names the model.</summary>
    public ReadOnlyMemory<byte> ModelHash => _file.Header.ModelHash;

    public static new PackedModelSource Open(string path) => new(PackedFile.Open(path));

    public override RowTileLayout Layout(MatrixRole role, int layer = 0, int expert = 0) => Find(role, layer, expert).Layout;

    public override void CopyTiles(MatrixRole role, int layer, int expert, int firstTile, int tileCount, Span<byte> destination)
    {
        PackedTensor tensor = Find(role, layer, expert);
        ArgumentOutOfRangeException.ThrowIfNegative(firstTile);
        ArgumentOutOfRangeException.ThrowIfNegative(tileCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstTile, tensor.Layout.Tiles - tileCount);
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, tileCount * tensor.Layout.TileBytes);
        _file.Read(tensor.Offset + firstTile * tensor.Layout.TileBytes, destination);
    }

    public override float[] Norm(NormRole role, int layer = 0)
    {
        CheckLayer(layer);
        return Floats(_tensors[TensorKey.Of(role, layer)]);
    }

    public override float[] Router(int layer)
    {
        CheckLayer(layer);
        return Floats(_tensors.GetValueOrDefault(new TensorKey(TensorRole.Router, layer))
            ?? throw new InvalidOperationException("A dense model has no router."));
    }

    public override ModelSummary Describe()
    {
        var types = _file.Header.Tensors.GroupBy(t => t.Layout.Format)
            .Select(g => new TensorTypeCount(g.Key.ToString(), g.Count(), g.Sum(t => t.Bytes)))
            .OrderByDescending(t => t.Bytes);
        return ModelSummary.Of(this, "llama", _file.Length, [.. types]);
    }

    internal override MappedTiles Map() => new Mapping(_file.Map(), _tensors);

    protected override void Dispose(bool disposing)
    {
        if (disposing) _file.Dispose();
    }

    private PackedTensor Find(MatrixRole role, int layer, int expert)
    {
        CheckLayer(layer);
        ArgumentOutOfRangeException.ThrowIfNegative(expert);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(expert, Math.Max(1, Config.ExpertCount));
        if (role == MatrixRole.Output && OutputIsEmbedding) role = MatrixRole.TokenEmbedding;
        return _tensors[TensorKey.Of(role, layer, expert)];
    }

    private float[] Floats(PackedTensor tensor)
    {
        var values = new float[tensor.Bytes / sizeof(float)];
        _file.Read(tensor.Offset, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private void CheckLayer(int layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Config.LayerCount);
    }

    private sealed unsafe class Mapping(FileMapping file, Dictionary<TensorKey, PackedTensor> tensors) : MappedTiles
    {
        public override byte* Of(MatrixRole role, int layer, int expert) => file.Start + Find(role, layer, expert).Offset;

        public override long RoomOf(MatrixRole role, int layer, int expert) =>
            PackedFormat.Align(Find(role, layer, expert).Bytes, PackedFormat.TileAlignment);

        public override void Dispose() => file.Dispose();

        private PackedTensor Find(MatrixRole role, int layer, int expert)
        {
            if (role == MatrixRole.Output && !tensors.ContainsKey(new TensorKey(TensorRole.Output))) role = MatrixRole.TokenEmbedding;
            return tensors[TensorKey.Of(role, layer, expert)];
        }
    }
}
