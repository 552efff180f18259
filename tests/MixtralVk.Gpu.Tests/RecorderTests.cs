using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests;

/// <summary>Recording, barriers and submission on the software driver.</summary>
public sealed class RecorderTests : IDisposable
{
    private const uint Count = 1000;
    private static readonly ShaderLibrary Shaders = new(typeof(RecorderTests).Assembly);

    private readonly TestGpu _gpu = TestGpu.Open(Shaders);
    private readonly GpuBuffer _upload, _a, _b, _size, _readBack;

    public RecorderTests()
    {
        _upload = _gpu.Device.CreateBuffer(Count * 4, BufferUse.Upload, "upload");
        _a = _gpu.Device.CreateBuffer(Count * 4, BufferUse.Device, "a");
        _b = _gpu.Device.CreateBuffer(Count * 4, BufferUse.Device, "b");
        _size = _gpu.Device.CreateBuffer(12, BufferUse.Device, "size");
        _readBack = _gpu.Device.CreateBuffer(Count * 4, BufferUse.ReadBack, "read back");
        Span<uint> input = _upload.Map<uint>();
        for (int i = 0; i < input.Length; i++) input[i] = (uint)i;
        _upload.Flush();
    }

    public void Dispose()
    {
        foreach (GpuBuffer buffer in new[] { _upload, _a, _b, _size, _readBack }) buffer.Dispose();
        _gpu.Dispose();
    }

    private Recorder Chain()
    {
        Recorder recorder = _gpu.Device.CreateRecorder();
        recorder.BeginStage("upload");
        recorder.Copy(_upload.View, _a.View);
        recorder.BeginStage("compute");
        recorder.Dispatch(new Scale(_a.View, _b.View, Count, 3, 1));
        recorder.Dispatch(new WriteSize(_size.View, Count));
        recorder.DispatchIndirect(new Scale(_b.View, _a.View, Count, 2, 0), _size.View);
        recorder.BeginStage("return");
        recorder.Copy(_a.View, _readBack.View);
        return recorder;
    }

    private uint[] Result()
    {
        _readBack.Invalidate();
        return _readBack.Map<uint>().ToArray();
    }

    private static uint[] Expected => [.. Enumerable.Range(0, (int)Count).Select(i => ((uint)i * 3 + 1) * 2)];

    [Fact]
    public void A_chain_of_copies_dispatches_and_an_indirect_dispatch_gives_the_right_numbers()
    {
        _gpu.Run(Chain());
        Assert.Equal(Expected, Result());
    }

    [Fact]
    public void Stages_may_be_submitted_one_at_a_time_and_again()
    {
        using Recording recording = Chain().Finish("stages");
        for (int round = 0; round < 3; round++)
        {
            _readBack.Map<uint>().Clear();
            ulong ticket = 0;
            for (int stage = 0; stage < recording.StageCount; stage++) ticket = _gpu.Device.Queue.Submit(recording, stage, 1);
            Assert.True(_gpu.Device.Queue.Wait(ticket, TimeSpan.FromSeconds(30)));
            Assert.True(_gpu.Device.Queue.IsDone(ticket));
            Assert.Equal(Expected, Result());
        }
    }

    [Fact]
    public void Barriers_stand_only_where_ranges_conflict()
    {
        Recorder recorder = _gpu.Device.CreateRecorder();
        recorder.BeginStage("disjoint halves");
        BufferView low = _a.View.Slice(0, 1024), high = _a.View.Slice(1024, 1024);
        recorder.Dispatch(new Scale(_upload.View, low, 256, 1, 0));
        recorder.Dispatch(new Scale(_upload.View, high, 256, 1, 0));
        recorder.Dispatch(new Scale(low, _b.View, 256, 1, 0));
        using Recording recording = recorder.Finish("disjoint");
        Assert.Equal(2, recording.BarrierCount);   // the stage's own, and one between the writes and the read
        Assert.Equal(3, recording.DispatchCount);
    }

    [Fact]
    public void The_replay_finds_every_barrier_necessary()
    {
        using Recording recording = Chain().Finish("replay");
        // Two rounds: the first barrier of the first stage guards against the end of the round before.
        Command[] commands = [.. Enumerable.Repeat(recording.Stages, 2).SelectMany(s => s).SelectMany(s => s.Commands)];
        Assert.Null(HazardReplay.Find(commands));
        int first = Array.FindIndex(commands, c => c is not BarrierCommand);
        for (int i = first; i < commands.Length; i++)
        {
            if (commands[i] is not BarrierCommand { To: not AccessKind.HostRead }) continue;
            Assert.NotNull(HazardReplay.Find(commands.Where((_, index) => index != i)));
        }
    }

    [Fact]
    public void A_barrier_that_leaves_out_indirect_arguments_does_not_count()
    {
        Command[] commands =
        [
            new FillCommand(_size.View, 1),
            new BarrierCommand(BarrierCommand.Device, BarrierCommand.Device & ~AccessKind.IndirectRead),
            new DispatchCommand(new PipelineKey("scale", new([]), new([]), 0, 0), [], [], default, _size.View,
                [new Access(_size.View, AccessKind.IndirectRead)]),
        ];
        Assert.Contains("IndirectRead", HazardReplay.Find(commands), StringComparison.Ordinal);
    }

    [Fact]
    public void A_binding_beyond_the_limit_in_force_is_refused()
    {
        using TestGpu clamped =
            TestGpu.Open(Shaders, with: o => o with { LimitTo = DeviceLimits.SpecificationMinimum with { MaxStorageBufferRange = 1024 } });
        using GpuBuffer buffer = clamped.Device.CreateBuffer(4096, BufferUse.Device, "large");
        Recorder recorder = clamped.Device.CreateRecorder();
        recorder.BeginStage("x");
        Assert.Throws<ArgumentException>(() => recorder.Dispatch(new WriteSize(buffer.View, 1)));
    }

    [Fact]
    public void Submitting_allocates_nothing()
    {
        using TestGpu quiet = TestGpu.Open(Shaders, with: o => o with { Validation = false, Replay = null });
        using GpuBuffer buffer = quiet.Device.CreateBuffer(12, BufferUse.Device, "size");
        Recorder recorder = quiet.Device.CreateRecorder();
        recorder.BeginStage("x");
        recorder.Dispatch(new WriteSize(buffer.View, 1));
        using Recording one = recorder.Finish("one");
        quiet.Device.Queue.Wait(quiet.Device.Queue.Submit(one, 0, 1));
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (int i = 0; i < 10; i++) quiet.Device.Queue.Wait(quiet.Device.Queue.Submit(one, 0, 1));
        }));
    }
}
