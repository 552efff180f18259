using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Packing;

/// <summary>However packing ends, there is a whole file under the name or what was there before, and nothing beside it.</summary>
public sealed class ModelPackerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixtralvk-");
    private readonly TemporaryFile _gguf = new SyntheticModel().WriteTemporary();

    private string Target => Path.Combine(_folder.FullName, "model.mvk");

    public void Dispose()
    {
        _gguf.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void Progress_goes_up_to_the_whole()
    {
        using ModelSource source = ModelSource.Open(_gguf.Path);
        var reports = new List<LoadProgress>();
        ModelPacker.Pack(source, Target, new Reports(reports.Add));
        Assert.Equal(reports.Select(r => r.DoneBytes).Order(), reports.Select(r => r.DoneBytes));
        Assert.Equal(reports[^1].TotalBytes, reports[^1].DoneBytes);
        Assert.Single(_folder.GetFiles());
    }

    [Fact]
    public void Cancelled_in_the_middle_it_leaves_what_was_there()
    {
        using ModelSource source = ModelSource.Open(_gguf.Path);
        File.WriteAllText(Target, "before");
        using var cancellation = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            ModelPacker.Pack(source, Target, new Reports(_ => cancellation.Cancel()), cancellation.Token));
        Assert.Equal("before", File.ReadAllText(Assert.Single(_folder.GetFiles()).FullName));
    }

    [Fact]
    public void An_unreadable_model_leaves_nothing()
    {
        using var source = new Endless(new ModelFileException("model.gguf", "is gone."), small: true);
        Assert.Throws<ModelFileException>(() => ModelPacker.Pack(source, Target));
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public void A_disk_that_is_too_small_leaves_nothing()
    {
        // Two terabytes; a file system that cannot reserve them says so when they are written.
        using var source = new Endless(new IOException("No space left on device"), small: false);
        Assert.Contains(Target, Assert.Throws<IOException>(() => ModelPacker.Pack(source, Target)).Message, StringComparison.Ordinal);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public void A_target_that_cannot_be_is_refused()
    {
        using ModelSource source = ModelSource.Open(_gguf.Path);
        Assert.Throws<IOException>(() => ModelPacker.Pack(source, _gguf.Path));
        Assert.Throws<IOException>(() => ModelPacker.Pack(source, _folder.FullName));
        Assert.Throws<IOException>(() => ModelPacker.Pack(source, Path.Combine(_folder.FullName, "none", "model.mvk")));
        Assert.Empty(_folder.GetFileSystemInfos());
    }

    private sealed class Reports(Action<LoadProgress> report) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => report(value);
    }

    /// <summary>A model whose tiles cannot be read.</summary>
    private sealed class Endless(Exception onRead, bool small) : ModelSource
    {
        public override string Path => "model.gguf";
        public override ModelConfig Config { get; } = new()
        {
            Name = "endless", LayerCount = 1, Dim = small ? 64 : 1 << 17, HeadCount = 2, KvHeadCount = 2, HeadDim = 32,
            HiddenDim = 64, ExpertCount = 0,
            ExpertsPerToken = 0, VocabSize = small ? 64 : 1 << 22, ContextLength = 64, RopeBase = 1e4f, RopeDim = 32, RmsEpsilon = 1e-5f,
        };
        public override VocabularyData Vocabulary { get; } =
            new("llama", ["a"], [0], [TokenType.Normal], -1, -1, 0, -1, false, false, false, null);
        public override bool OutputIsEmbedding => true;
        public override ModelSummary Describe() => throw onRead;
        public override RowTileLayout Layout(MatrixRole role, int layer = 0, int expert = 0)
        {
            (int rows, int cols) = TensorKey.Of(role, layer, expert).ShapeIn(Config);
            return new RowTileLayout(WeightFormat.F32, rows, cols);
        }
        public override void CopyTiles(MatrixRole role, int layer, int expert, int firstTile, int tileCount, Span<byte> destination) =>
            throw onRead;
        public override float[] Norm(NormRole role, int layer = 0) => new float[Config.Dim];
        public override float[] Router(int layer) => throw onRead;
        protected override void Dispose(bool disposing) { }
    }
}
