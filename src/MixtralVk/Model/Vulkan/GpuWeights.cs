using System.Runtime.InteropServices;
using MixtralVk.Experts;
using MixtralVk.Gpu;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Model.Vulkan;

/// <summary>A matrix that makes outputs <paramref name="FirstRow"/> .. + its rows of a longer row.</summary>
internal readonly record struct StackedMatrix(GpuMatrix Matrix, uint FirstRow);

/// <summary>
/// The weights of one layer outside its experts. Queries, keys and values come from one matrix where the file keeps theirs in one format.
/// </summary>
internal sealed record LayerWeights(GpuBuffer AttentionNorm, IReadOnlyList<StackedMatrix> QueryKeyValue, GpuMatrix AttentionOutput,
    GpuBuffer FeedForwardNorm, GpuBuffer? Router);

/// <summary>All weights of a model on the device. Read-only after loading.</summary>
internal sealed class GpuWeights : IDisposable
{
    private readonly GpuDevice _device;
    private readonly ModelSource _source;
    private readonly MappedTiles? _mapped;
    private readonly List<GpuBuffer> _buffers = [];
    private readonly List<Upload> _uploads = [];
    private long _inPlaceBytes;

    private GpuWeights(GpuDevice device, ModelSource source, MappedTiles? mapped, ExpertSettings? experts)
    {
        _device = device;
        _source = source;
        _mapped = mapped;
        ModelConfig config = source.Config;
        try
        {
            Embedding = Matrix(MatrixRole.TokenEmbedding, 0);
            Layers = [.. Enumerable.Range(0, config.LayerCount).Select(Layer)];
            OutputNorm = Vector("output norm", source.Norm(NormRole.Output));
            Output = source.OutputIsEmbedding ? Embedding : Matrix(MatrixRole.Output, 0);
            Experts = new DeviceExperts(device, source, experts?.Pinned ?? []);
            if (experts?.BytesFor(Experts, device) is long bytes) AddSlots(Experts.SlotsFor(bytes), experts.Moves);
            else
                for (int layer = 0; layer < config.LayerCount; layer++)
                    for (int expert = 0; expert < Math.Max(1, config.ExpertCount); expert++) AddExpert(layer, expert);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public GpuMatrix Embedding { get; }

    public LayerWeights[] Layers { get; }

    public DeviceExperts Experts { get; }

    public GpuBuffer OutputNorm { get; }

    public GpuMatrix Output { get; }

    /// <summary>What was uploaded, how fast, and what is used in place.</summary>
    public WeightTransfer Transfer { get; private set; }

    /// <summary>
    /// Reserves all memory, so that a model that does not fit is refused before anything is read; <see cref="Read"/> fills it. Matrices in
    /// <paramref name="mapped"/>, which must outlive this object, are used in place where the device takes them. With
    /// <paramref name="experts"/> those that find no room are left out: there are slots for some, empty.
    /// </summary>
    public static GpuWeights Reserve(GpuDevice device, ModelSource source, MappedTiles? mapped, ExpertSettings? experts) =>
        new(device, source, mapped, experts);

    /// <summary>Repacks and uploads in parallel; once.</summary>
    public void Read(IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        using var uploader = new WeightUploader(_device);
        uploader.Run(_uploads, progress, cancellation);
        _uploads.Clear();
        Transfer = uploader.Transfer with { InPlaceBytes = _inPlaceBytes };
    }

    private LayerWeights Layer(int layer) => new(
        Vector($"attention norm {layer}", _source.Norm(NormRole.Attention, layer)),
        Stack([MatrixRole.Query, MatrixRole.Key, MatrixRole.Value], layer),
        Matrix(MatrixRole.AttentionOutput, layer),
        Vector($"feed-forward norm {layer}", _source.Norm(NormRole.FeedForward, layer)),
        _source.Config.IsSparse ? Vector($"router {layer}", _source.Router(layer)) : null);

    private GpuMatrix Matrix(MatrixRole role, int layer) => Stack([role], layer)[0].Matrix;

    /// <summary>
    /// Matrices that multiply the same input, below each other: neighbours of one format are one matrix, and one dispatch, where the upper
    /// one ends with a whole tile.
    /// </summary>
    private List<StackedMatrix> Stack(ReadOnlySpan<MatrixRole> roles, int layer)
    {
        var stack = new List<StackedMatrix>();
        uint firstRow = 0;
        for (int next = 0; next < roles.Length;)
        {
            int first = next++;
            RowTileLayout layout = _source.Layout(roles[first], layer);
            for (; next < roles.Length && layout.Rows % RowTileLayout.TileRows == 0 && MayFollow(roles[next - 1], roles[next], layer);
                next++)
            {
                RowTileLayout below = _source.Layout(roles[next], layer);
                if (below.Format != layout.Format) break;
                layout = layout with { Rows = layout.Rows + below.Rows };
            }
            GpuMatrix? matrix = Import(layout, roles[first], roles[next - 1], layer, 0);
            if (matrix is null)
            {
                matrix = new GpuMatrix(layout,
                    Buffer((ulong)layout.Bytes, $"{string.Join(", ", roles[first..next].ToArray())} {layer}").View, _device.Limits);
                int firstTile = 0;
                foreach (MatrixRole role in roles[first..next]) firstTile += AddTiles(matrix, role, layer, 0, firstTile);
            }
            stack.Add(new StackedMatrix(matrix, firstRow));
            firstRow += matrix.Rows;
        }
        return stack;
    }

    private GpuBuffer Vector(string name, float[] values)
    {
        GpuBuffer buffer = Buffer((ulong)values.Length * sizeof(float), name);
        _uploads.Add(new Upload(buffer.View, bytes => MemoryMarshal.AsBytes(values.AsSpan()).CopyTo(bytes), name));
        return buffer;
    }

    /// <summary>True unless both matrices are mapped with something between them.</summary>
    private unsafe bool MayFollow(MatrixRole above, MatrixRole below, int layer) =>
        _mapped is null || _mapped.Of(below, layer, 0) == _mapped.Of(above, layer, 0) + _source.Layout(above, layer).Bytes;

    private GpuMatrix? Import(MatrixRole role, int layer, int expert) =>
        Import(_source.Layout(role, layer, expert), role, role, layer, expert);

    /// <summary>
    /// A matrix where the file is mapped, from the begin of one role's tiles to the end of another's; null where nothing is mapped or the
    /// device will not have it.
    /// </summary>
    private unsafe GpuMatrix? Import(RowTileLayout layout, MatrixRole first, MatrixRole last, int layer, int expert)
    {
        if (_mapped is null) return null;
        byte* begin = _mapped.Of(first, layer, expert), end = _mapped.Of(last, layer, expert) + _mapped.RoomOf(last, layer, expert);
        if (_device.TryImport((nint)begin, (ulong)(end - begin), $"{first} {layer}.{expert}") is not { } buffer) return null;
        _buffers.Add(buffer);
        _inPlaceBytes += layout.Bytes;
        return new GpuMatrix(layout, buffer.View.Slice(0, (ulong)layout.Bytes), _device.Limits);
    }

    private GpuBuffer Buffer(ulong size, string name)
    {
        GpuBuffer buffer = _device.CreateBuffer(size, BufferUse.Device, name);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>An expert that stays, in the slot of its own number: in place where the device takes all of it, else uploaded.</summary>
    private void AddExpert(int layer, int expert)
    {
        if (Import(MatrixRole.GateProj, layer, expert) is { } gate && Import(MatrixRole.UpProj, layer, expert) is { } up
            && Import(MatrixRole.DownProj, layer, expert) is { } down)
        {
            Experts.AddInPlace(layer, new ExpertWeights(gate, up, down));
            return;
        }
        Experts.AddSlot(layer);
        ExpertWeights weights = Experts[layer, expert];
        AddTiles(weights.Gate, MatrixRole.GateProj, layer, expert);
        AddTiles(weights.Up, MatrixRole.UpProj, layer, expert);
        AddTiles(weights.Down, MatrixRole.DownProj, layer, expert);
        Experts.Put(new ExpertMove(layer, expert, expert));
    }

    /// <summary>Slots as far as the device has room: what it says it has may be less than what others leave.</summary>
    private void AddSlots(int[] counts, bool areMoving)
    {
        Experts.AreShared = true;
        Experts.AreMoving = areMoving;
        try
        {
            for (int slot = 0; slot < counts.Max(); slot++)
                for (int layer = 0; layer < counts.Length; layer++)
                    if (slot < counts[layer]) Experts.AddSlot(layer);
        }
        catch (OutOfGpuMemoryException)
        {
            // The experts left out are computed by the host.
        }
    }

    /// <summary>
    /// Uploads a matrix of the file to the tiles of <paramref name="matrix"/> from <paramref name="firstTile"/> on; returns its tiles.
    /// </summary>
    private int AddTiles(GpuMatrix matrix, MatrixRole role, int layer, int expert, int firstTile = 0)
    {
        int tiles = _source.Layout(role, layer, expert).Tiles;
        string what = role is MatrixRole.TokenEmbedding or MatrixRole.Output ? $"{role}" : $"layer {layer}";
        _uploads.AddRange(Upload.OfTiles(matrix, firstTile, tiles,
            (first, count, bytes) => _source.CopyTiles(role, layer, expert, first, count, bytes), what));
        return tiles;
    }

    public void Dispose()
    {
        foreach (GpuBuffer buffer in _buffers) buffer.Dispose();
        Experts?.Dispose();
    }
}
