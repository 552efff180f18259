using MixtralVk.Cpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Cpu;

/// <summary>Nothing else may allocate while these count.</summary>
[CollectionDefinition(nameof(CpuMemoryTests), DisableParallelization = true)]
public sealed class CpuMemoryCollection;

/// <summary>Whatever way loading ends, every byte comes back.</summary>
[Collection(nameof(CpuMemoryTests))]
public sealed class CpuMemoryTests : IDisposable
{
    private readonly TemporaryFile _file = new SyntheticModel().WriteTemporary();
    private readonly ModelSource _source;
    private readonly long _before;

    public CpuMemoryTests()
    {
        _source = ModelSource.Open(_file.Path);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _before = NativeBuffer.LiveBytes;
    }

    public void Dispose()
    {
        Assert.Equal(_before, NativeBuffer.LiveBytes);
        _source.Dispose();
        _file.Dispose();
    }

    [Fact]
    public void Disposing_twice_frees_once()
    {
        CpuForwardPass pass = CpuForwardPass.Load(_source, 32, 8, KvFormat.F32, 2, new CpuOptions { Threads = 2 }, null, default);
        Assert.True(NativeBuffer.LiveBytes > _before);
        pass.Dispose();
        pass.Dispose();
    }

    [Fact]
    public void Loading_can_be_cancelled_before_and_in_between()
    {
        Assert.Throws<OperationCanceledException>(() =>
            CpuForwardPass.Load(_source, 32, 8, KvFormat.F16, 1, new CpuOptions { Threads = 2 }, null, new CancellationToken(true)));
        using var cancellation = new CancellationTokenSource();
        var progress = new CancelAtFirst(cancellation);
        Assert.Throws<OperationCanceledException>(() =>
            CpuForwardPass.Load(_source, 32, 8, KvFormat.F16, 1, new CpuOptions { Threads = 1 }, progress, cancellation.Token));
        Assert.Equal(1, progress.Reports);
    }

    [Theory]
    [InlineData(1 << 24, 8)]
    [InlineData(int.MaxValue, 8)]
    [InlineData(1, 1 << 29)]
    public void What_cannot_fit_main_memory_is_a_typed_error(int pages, int maxBatchTokens)
    {
        var error = Assert.Throws<HostMemoryException>(() =>
            CpuForwardPass.Load(_source, 32, maxBatchTokens, KvFormat.F32, pages, new CpuOptions { Threads = 1 }, null, default));
        Assert.True(error.NeededBytes > error.AvailableBytes);
    }

    [Fact]
    public void A_file_that_fails_while_it_is_read_gives_its_own_error()
    {
        using var failing = new FailingSource(_source);
        var error = Assert.Throws<ModelFileException>(() =>
            CpuForwardPass.Load(failing, 32, 8, KvFormat.F32, 1, new CpuOptions { Threads = 3 }, null, default));
        Assert.Equal(_file.Path, error.Path);
    }

    private sealed class CancelAtFirst(CancellationTokenSource cancellation) : IProgress<LoadProgress>
    {
        public int Reports { get; private set; }

        public void Report(LoadProgress value)
        {
            Reports++;
            cancellation.Cancel();
        }
    }

    /// <summary>Everything of another source, except that the output matrix cannot be read.</summary>
    private sealed class FailingSource(ModelSource source) : ModelSource
    {
        public override string Path => source.Path;
        public override ModelConfig Config => source.Config;
        public override VocabularyData Vocabulary => source.Vocabulary;
        public override bool OutputIsEmbedding => source.OutputIsEmbedding;
        public override ModelSummary Describe() => source.Describe();
        public override RowTileLayout Layout(MatrixRole role, int layer = 0, int expert = 0) => source.Layout(role, layer, expert);
        public override float[] Norm(NormRole role, int layer = 0) => source.Norm(role, layer);
        public override float[] Router(int layer) => source.Router(layer);
        protected override void Dispose(bool disposing) { }

        public override void CopyTiles(MatrixRole role, int layer, int expert, int firstTile, int tileCount, Span<byte> destination)
        {
            if (role == MatrixRole.Output) throw new ModelFileException(Path, "cannot be read: the disk is gone.");
            source.CopyTiles(role, layer, expert, firstTile, tileCount, destination);
        }
    }
}
