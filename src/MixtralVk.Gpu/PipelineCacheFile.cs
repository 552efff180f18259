using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MixtralVk.Gpu;

/// <summary>
/// The driver's compiled pipelines on disk, one file per device and driver. Drivers are known to crash on a damaged or foreign cache, so
/// the data stands behind a header of our own: magic, device UUID, driver UUID, length, SHA-256. A file that does not match is deleted.
/// </summary>
internal sealed class PipelineCacheFile
{
    private const int HeaderBytes = 8 + 16 + 16 + 8 + 32;

    private readonly string _path;
    private readonly byte[] _identity;

    public PipelineCacheFile(string folder, DeviceDescription device)
    {
        _identity = [.. "MVKPIPE1"u8, .. Convert.FromHexString(device.DeviceUuid), .. Convert.FromHexString(device.DriverUuid)];
        _path = Path.Combine(folder, $"{device.DeviceUuid}-{device.DriverUuid}.pipelines");
    }

    /// <summary>The stored data, or nothing when there is none or it is not ours.</summary>
    public byte[]? Read()
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // a cache that cannot be read costs time, nothing else
        }
        if (IsValid(file)) return file[HeaderBytes..];
        TryDelete();
        return null;
    }

    /// <summary>Stores data, or does not: a crash leaves the old file or the new one.</summary>
    public void Write(ReadOnlySpan<byte> data)
    {
        byte[] file = new byte[HeaderBytes + data.Length];
        _identity.CopyTo(file, 0);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(40), data.Length);
        SHA256.HashData(data, file.AsSpan(48, 32));
        data.CopyTo(file.AsSpan(HeaderBytes));
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            AtomicFile.Write(_path, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Full or read-only disk: the next start compiles again.
        }
    }

    private bool IsValid(ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderBytes || !file[..40].SequenceEqual(_identity)) return false;
        ReadOnlySpan<byte> data = file[HeaderBytes..];
        return BinaryPrimitives.ReadInt64LittleEndian(file[40..]) == data.Length
            && SHA256.HashData(data).AsSpan().SequenceEqual(file.Slice(48, 32));
    }

    private void TryDelete()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Left behind; it is checked again next time.
        }
    }
}
