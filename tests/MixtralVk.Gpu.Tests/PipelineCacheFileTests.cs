using MixtralVk.Gpu.Tests.Devices;
using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests;

public sealed class PipelineCacheFileTests : IDisposable
{
    private static readonly DeviceDescription Device = RecordedDevice.Describe("lavapipe");

    private readonly string _folder = Directory.CreateTempSubdirectory("mixtralvk-cache").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string StoredFile => Assert.Single(Directory.GetFiles(_folder));

    [Fact]
    public void What_was_written_is_read_again()
    {
        byte[] data = [1, 2, 3, 4, 5];
        new PipelineCacheFile(_folder, Device).Write(data);
        Assert.Equal(data, new PipelineCacheFile(_folder, Device).Read());
    }

    [Fact]
    public void A_file_with_any_byte_changed_or_cut_off_is_deleted_and_not_used()
    {
        var cache = new PipelineCacheFile(_folder, Device);
        cache.Write([7, 8, 9]);
        byte[] good = File.ReadAllBytes(StoredFile);
        string path = StoredFile;
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = [.. good];
            bad[i] ^= 1;
            File.WriteAllBytes(path, i % 2 == 0 ? bad : good[..i]);
            Assert.Null(cache.Read());
            Assert.False(File.Exists(path));
        }
    }

    /// <summary>In a game stages are recorded anew between frames, with the pipelines there are.</summary>
    [Fact]
    public void Only_a_pipeline_that_was_made_is_written()
    {
        using TestGpu gpu = TestGpu.Open(new ShaderLibrary(typeof(PipelineCacheFileTests).Assembly),
            with: o => o with { PipelineCacheDirectory = _folder });
        using GpuBuffer buffer = gpu.Device.CreateBuffer(512, BufferUse.Device, "numbers");
        Prepare(1);
        File.Delete(StoredFile);
        Prepare(1);
        Assert.Empty(Directory.GetFiles(_folder));
        Prepare(2);
        Assert.NotEmpty(StoredFile);

        void Prepare(uint factor)
        {
            Recorder recorder = gpu.Device.CreateRecorder();
            recorder.BeginStage("scale");
            recorder.Dispatch(new Scale(buffer.View.Slice(0, 256), buffer.View.Slice(256, 256), 64, factor, 0));
            gpu.Device.PreparePipelines([recorder]);
        }
    }

    [Fact]
    public void Another_driver_has_another_file()
    {
        new PipelineCacheFile(_folder, Device).Write([1]);
        Assert.Null(new PipelineCacheFile(_folder, Device with { DriverUuid = new string('0', 32) }).Read());
        Assert.NotNull(new PipelineCacheFile(_folder, Device).Read());
    }

    [Fact]
    public void A_folder_that_cannot_be_written_costs_nothing_but_the_cache()
    {
        string file = Path.Combine(_folder, "a file");
        File.WriteAllText(file, "");
        var cache = new PipelineCacheFile(Path.Combine(file, "below"), Device);
        cache.Write([1]);
        Assert.Null(cache.Read());
    }
}
