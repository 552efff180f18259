using System.Collections.Concurrent;
using MixtralVk.Loading;

namespace MixtralVk.Packing;

/// <summary>A part of a file that is not what was written.</summary>
/// <param name="What">The tensor it belongs to, for people.</param>
/// <param name="Offset">Position in bytes from the begin of the file.</param>
/// <param name="Bytes">Length in bytes.</param>
public readonly record struct DamagedBlock(string What, long Offset, long Bytes);

/// <summary>What a check of a model file found.</summary>
/// <param name="HasChecksums">False for a kind of file without checksums: only its structure was checked.</param>
/// <param name="CheckedBytes">Bytes whose checksum was computed.</param>
/// <param name="Damaged">Blocks whose checksum is wrong, by position; empty when all is well.</param>
/// <param name="ModelHash">SHA-256 that names a packed model, as hexadecimal digits; null for other files.</param>
public sealed record VerifyResult(bool HasChecksums, long CheckedBytes, IReadOnlyList<DamagedBlock> Damaged, string? ModelHash);

/// <summary>Checks a model file against the checksums it holds.</summary>
public static class ModelVerifier
{
    /// <summary>
    /// Reads a whole packed file and computes every checksum; of a file without checksums only the structure is checked, by opening it.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Told after each block, on any thread, one at a time.</param>
    /// <param name="cancellation">Ends the check with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ModelFileException">The file cannot be read, or its structure is wrong.</exception>
    public static VerifyResult Verify(string path, IProgress<LoadProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!PackedFile.IsPacked(path))
        {
            using ModelSource source = ModelSource.Open(path);
            return new VerifyResult(false, 0, [], null);
        }
        using PackedFile file = PackedFile.Open(path);
        if (!file.Header.ModelHash.AsSpan().SequenceEqual(file.Header.ComputeHash()))
            throw new ModelFileException(path, "has a model hash that does not belong to its header.");
        var (bytes, damaged) = CheckBlocks(file, progress, cancellation);
        return new VerifyResult(true, bytes, damaged, Convert.ToHexStringLower(file.Header.ModelHash));
    }

    private static (long Bytes, DamagedBlock[] Damaged) CheckBlocks(PackedFile file, IProgress<LoadProgress>? progress,
        CancellationToken cancellation)
    {
        long total = file.Header.Tensors.Sum(t => t.Bytes);
        var done = new ByteProgress(progress, total);
        var damaged = new ConcurrentBag<DamagedBlock>();
        using var buffers = new ThreadLocal<byte[]>(() => []);
        var blocks = file.Header.Tensors.SelectMany(tensor => Enumerable.Range(0, tensor.Blocks).Select(block => (tensor, block)));
        InParallel.ForEach(blocks, Environment.ProcessorCount, item =>
        {
            (long offset, int length) = item.tensor.Block(item.block);
            if (buffers.Value!.Length < length) buffers.Value = GC.AllocateUninitializedArray<byte>(length);
            Span<byte> bytes = buffers.Value.AsSpan(0, length);
            file.Read(offset, bytes);
            bool isRight = PackedFormat.Checksum(bytes) == item.tensor.Checksums[item.block];
            if (!isRight) damaged.Add(new DamagedBlock(item.tensor.Key.ToString(), offset, length));
            done.Add(length, item.tensor.Key.ToString());
        }, cancellation);
        return (total, [.. damaged.OrderBy(d => d.Offset)]);
    }
}
