using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Packing;

/// <summary>
/// Writes a model as a packed file (docs/formats.md): weights in the layout the engine computes with, ready to be mapped, and a MessagePack
/// header in front. Memory stays at a few MiB per thread whatever the model's size.
/// </summary>
public static class ModelPacker
{
    /// <summary>
    /// Packs <paramref name="source"/> into a file at <paramref name="path"/>. The file appears under its name only when it is whole and on
    /// the disk; when anything fails, what was there stays and nothing else is left.
    /// </summary>
    /// <param name="source">The opened model.</param>
    /// <param name="path">File to write; one that exists is replaced.</param>
    /// <param name="progress">Told after each block, on any thread, one at a time.</param>
    /// <param name="cancellation">Ends packing with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="IOException">The file cannot be written; a disk that is too small is noticed before anything is
    /// computed.</exception>
    /// <exception cref="ModelFileException">The model cannot be read.</exception>
    public static void Pack(ModelSource source, string path, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(path);
        // Renaming over a device would put a file in its place, and a packed file is mapped: it must be one.
        if (AtomicFile.IsDevice(path)) throw new IOException($"{path} is a device; a packed model must be a file.");
        if (Path.GetFullPath(path) == Path.GetFullPath(source.Path))
            throw new IOException($"{path} is the model itself; choose another name.");
        PackedHeader header = Plan(source);
        AtomicFile.Write(
            path,
            stream =>
            {
                SafeFileHandle file = stream.SafeFileHandle;
                RandomAccess.SetLength(file, header.FileBytes);
                WriteTensors(source, header, file, progress, cancellation);
                RandomAccess.Write(file, (header with { ModelHash = header.ComputeHash() }).ToBytes(), 0);
            },
            header.FileBytes);
    }

    /// <summary>The header with every tensor in its place, checksums still zero.</summary>
    private static PackedHeader Plan(ModelSource source)
    {
        PackedTensor[] tensors = [.. TensorKey.AllOf(source.Config, source.OutputIsEmbedding).Select(key => Describe(source, key))];
        var header = new PackedHeader { Config = source.Config, Vocabulary = source.Vocabulary, Tensors = tensors };
        return header with { Tensors = [.. PackedHeader.Place(tensors, header.ToBytes().Length)] };
    }

    private static PackedTensor Describe(ModelSource source, TensorKey key)
    {
        (int rows, int cols) = key.ShapeIn(source.Config);
        RowTileLayout layout = key.IsTiled
            ? source.Layout(key.MatrixRole, key.Layer, key.Expert) : new RowTileLayout(WeightFormat.F32, rows, cols);
        var tensor = new PackedTensor(key, layout, 0) { Checksums = [] };
        return tensor with { Checksums = new uint[tensor.Blocks] };
    }

    private static void WriteTensors(ModelSource source, PackedHeader header, SafeFileHandle file, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        var done = new ByteProgress(progress, header.Tensors.Sum(t => t.Bytes));
        using var buffers = new ThreadLocal<byte[]>(() => []);
        InParallel.ForEach(Blocks(header), Environment.ProcessorCount, item =>
        {
            (PackedTensor tensor, int index) = item;
            (long offset, int length) = tensor.Block(index);
            if (buffers.Value!.Length < length) buffers.Value = GC.AllocateUninitializedArray<byte>(length);
            Span<byte> bytes = buffers.Value.AsSpan(0, length);
            Fill(source, tensor, index, bytes);
            tensor.Checksums[index] = PackedFormat.Checksum(bytes);
            RandomAccess.Write(file, bytes, offset);
            done.Add(length, tensor.Key.ToString());
        }, cancellation);
    }

    private static IEnumerable<(PackedTensor, int)> Blocks(PackedHeader header) =>
        header.Tensors.SelectMany(tensor => Enumerable.Range(0, tensor.Blocks).Select(block => (tensor, block)));

    private static void Fill(ModelSource source, PackedTensor tensor, int block, Span<byte> bytes)
    {
        TensorKey key = tensor.Key;
        if (key.IsTiled)
        {
            int firstTile = (int)(block * (tensor.BlockBytes / tensor.Layout.TileBytes)),
                tiles = (int)(bytes.Length / tensor.Layout.TileBytes);
            source.CopyTiles(key.MatrixRole, key.Layer, key.Expert, firstTile, tiles, bytes);
            return;
        }
        float[] values = key.Role switch
        {
            TensorRole.Router => source.Router(key.Layer),
            TensorRole.AttentionNorm => source.Norm(NormRole.Attention, key.Layer),
            TensorRole.FeedForwardNorm => source.Norm(NormRole.FeedForward, key.Layer),
            TensorRole.FinalNorm => source.Norm(NormRole.Output),
            _ => throw new InvalidOperationException($"{key} is made of tiles."),
        };
        MemoryMarshal.AsBytes(values.AsSpan()).Slice((int)(block * tensor.BlockBytes), bytes.Length).CopyTo(bytes);
    }
}
