using MixtralVk.Model;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Tokenization;

namespace MixtralVk.Loading;

/// <summary>The matrices of a model by their part in it. Names of a checkpoint's tensors never leave this folder.</summary>
public enum MatrixRole
{
    /// <summary>(vocab, dim): one row per token.</summary>
    TokenEmbedding,
    /// <summary>(heads * headDim, dim), in the interleaved RoPE order.</summary>
    Query,
    /// <summary>(kvHeads * headDim, dim), in the interleaved RoPE order.</summary>
    Key,
    /// <summary>(kvHeads * headDim, dim).</summary>
    Value,
    /// <summary>(dim, heads * headDim).</summary>
    AttentionOutput,
    /// <summary>(hidden, dim), of one expert or of the dense block: the branch SwiGLU gates with (w1).</summary>
    GateProj,
    /// <summary>(hidden, dim), of one expert or of the dense block (w3).</summary>
    UpProj,
    /// <summary>(dim, hidden), of one expert or of the dense block (w2).</summary>
    DownProj,
    /// <summary>(vocab, dim): the head; the embedding again where the file ties them.</summary>
    Output,
}

/// <summary>The RMSNorm weights of a model, each of length dim.</summary>
public enum NormRole
{
    /// <summary>Before attention.</summary>
    Attention,
    /// <summary>Before the feed-forward block.</summary>
    FeedForward,
    /// <summary>Before the head.</summary>
    Output,
}

/// <summary>
/// An opened model: its sizes, vocabulary and weights, whatever file they lie in. Reading is thread-safe; every size was checked against
/// the file when it was opened.
/// </summary>
public abstract class ModelSource : IDisposable
{
    /// <summary>Path of the file.</summary>
    public abstract string Path { get; }

    /// <summary>The model's sizes.</summary>
    public abstract ModelConfig Config { get; }

    /// <summary>The tokenizer's vocabulary; it has <see cref="ModelConfig.VocabSize"/> tokens.</summary>
    public abstract VocabularyData Vocabulary { get; }

    /// <summary>True when the file has no output matrix of its own and <see cref="MatrixRole.Output"/> is the embedding again.</summary>
    public abstract bool OutputIsEmbedding { get; }

    /// <summary>Opens a model file of any supported kind. Throws <see cref="ModelFileException"/> when it cannot be used.</summary>
    public static ModelSource Open(string path) => PackedFile.IsPacked(path) ? PackedModelSource.Open(path) : GgufModelSource.Open(path);

    /// <summary>True for a file whose tiles can be used in place, mapped into memory (a packed one), instead of being read.</summary>
    public virtual bool CanMap => false;

    /// <summary>What the file holds and how much memory its weights need.</summary>
    public abstract ModelSummary Describe();

    /// <summary>
    /// Format and shape of a matrix. <paramref name="layer"/> is 0 for the embedding and the output matrix, <paramref name="expert"/> 0
    /// outside experts.
    /// </summary>
    public abstract RowTileLayout Layout(MatrixRole role, int layer = 0, int expert = 0);

    /// <summary>
    /// Writes tiles <paramref name="firstTile"/> .. + <paramref name="tileCount"/> of a matrix in the row-tile layout;
    /// <paramref name="destination"/> holds exactly <c>tileCount * TileBytes</c> bytes and is overwritten whole, padding included.
    /// </summary>
    public abstract void CopyTiles(MatrixRole role, int layer, int expert, int firstTile, int tileCount, Span<byte> destination);

    /// <summary>Weights of a norm, length dim. <paramref name="layer"/> is 0 for the output norm.</summary>
    public abstract float[] Norm(NormRole role, int layer = 0);

    /// <summary>Router weights of a layer of a sparse model as floats, row-major (expert, dim).</summary>
    public abstract float[] Router(int layer);

    /// <summary>Maps the tiles of a source that <see cref="CanMap"/>; the mapping lives on its own.</summary>
    internal virtual MappedTiles Map() => throw new InvalidOperationException("This kind of file cannot be used in place.");

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the file.</summary>
    protected abstract void Dispose(bool disposing);
}
