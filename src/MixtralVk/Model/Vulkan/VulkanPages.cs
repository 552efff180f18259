using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>How pages of the KV cache go from the device to the host's memory and back.</summary>
public sealed partial class VulkanForwardPass
{
    /// <inheritdoc/>
    internal override int PagesToMove => _hostPages.Pending;

    /// <inheritdoc/>
    internal override void TakePageMoves() => _hostPages.Take(Pages);

    /// <inheritdoc/>
    internal override void MovePages(int most)
    {
        int count = Math.Min(most, _hostPages.Pending);
        using Recording moves = _hostPages.RecordMoves(count);
        RunCopies(moves);
        _hostPages.Made(count);
    }

    /// <inheritdoc/>
    internal override void ReadPages(ReadOnlySpan<int> pages, Span<byte> bytes)
    {
        using GpuBuffer staging = _device.CreateBuffer((ulong)bytes.Length, BufferUse.ReadBack, "pages read");
        CopyPages(pages, staging, toHost: true);
        staging.Invalidate();
        staging.Map<byte>().CopyTo(bytes);
    }

    /// <inheritdoc/>
    internal override void WritePages(ReadOnlySpan<int> pages, ReadOnlySpan<byte> bytes)
    {
        using GpuBuffer staging = _device.CreateBuffer((ulong)bytes.Length, BufferUse.Upload, "pages written");
        bytes.CopyTo(staging.Map<byte>());
        staging.Flush();
        CopyPages(pages, staging, toHost: false);
    }

    private void CopyPages(ReadOnlySpan<int> pages, GpuBuffer staging, bool toHost)
    {
        GpuKvCache cache = _model.Cache;
        Recorder recorder = _device.CreateRecorder();
        recorder.BeginStage(staging.Name);
        ulong offset = 0;
        foreach (int page in pages)
        {
            for (int part = 0; part < 2 * Config.LayerCount; part++)
            {
                BufferView onDevice = cache.Part(page, part), onHost = staging.View.Slice(offset, onDevice.Length);
                recorder.Copy(toHost ? onDevice : onHost, toHost ? onHost : onDevice);
                offset += onDevice.Length;
            }
        }
        using Recording copies = recorder.Finish(staging.Name);
        RunCopies(copies);
    }

    private void RunCopies(Recording copies)
    {
        _runs.Begin();
        _runs.Add(new StageRun(copies, 0, 1));
        EndSlice();
    }
}
