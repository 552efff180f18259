using System.Runtime.InteropServices;
using MixtralVk.Gpu;

namespace MixtralVk.Testing.Kernels;

/// <summary>
/// One argument of a kernel case between two guard zones. Guards hold a NaN of a known pattern, an output before the kernel runs another: a
/// read outside turns results into NaN, a write outside or a forgotten output shows. The binding reaches into the guard behind the data, as
/// drivers drop accesses outside a binding without a word.
/// </summary>
internal sealed class CaseBuffer : IDisposable
{
    /// <summary>What outputs hold before the kernel runs: a NaN, and an index far outside anything.</summary>
    public const uint Poison = 0x7FC0BEEF;

    private const uint Guard = 0x7FC0DEAD;
    private const int GuardWords = 1024;

    private readonly GpuBuffer _upload, _device, _readBack;
    private readonly uint[] _initial;
    private readonly bool _isInput;
    private readonly int _words;

    public CaseBuffer(GpuDevice device, ReadOnlySpan<uint> words, bool isInput, string name)
    {
        Name = name;
        _isInput = isInput;
        _words = words.Length;
        _initial = new uint[_words + 2 * GuardWords];
        Array.Fill(_initial, Guard);
        words.CopyTo(_initial.AsSpan(GuardWords));

        var size = (ulong)_initial.Length * sizeof(uint);
        _upload = device.CreateBuffer(size, BufferUse.Upload, $"{name} upload");
        _device = device.CreateBuffer(size, BufferUse.Device, name);
        _readBack = device.CreateBuffer(size, BufferUse.ReadBack, $"{name} read back");
        _initial.CopyTo(_upload.Map<uint>());
        _upload.Flush();
    }

    public string Name { get; }

    /// <summary>The argument and the guard behind it.</summary>
    public BufferView View => _device.View.Slice(GuardWords * sizeof(uint), ((ulong)_words + GuardWords) * sizeof(uint));

    /// <summary>The argument alone, for kernels that take its length from the binding.</summary>
    public BufferView ExactView => _device.View.Slice(GuardWords * sizeof(uint), (ulong)_words * sizeof(uint));

    public static implicit operator BufferView(CaseBuffer buffer) => buffer.View;

    public void RecordUpload(Recorder recorder) => recorder.Copy(_upload.View, _device.View);

    public void RecordReadBack(Recorder recorder) => recorder.Copy(_device.View, _readBack.View);

    /// <summary>The content after the run.</summary>
    public ReadOnlySpan<T> Read<T>() where T : unmanaged
    {
        _readBack.Invalidate();
        return MemoryMarshal.Cast<uint, T>(_readBack.Map<uint>().Slice(GuardWords, _words));
    }

    /// <summary>Throws when a guard, or anything of an input, was changed.</summary>
    public void CheckGuards()
    {
        _readBack.Invalidate();
        ReadOnlySpan<uint> now = _readBack.Map<uint>();
        for (int i = 0; i < now.Length; i++)
        {
            bool isGuard = i < GuardWords || i >= GuardWords + _words;
            if ((isGuard || _isInput) && now[i] != _initial[i])
                throw new CaseFailedException($"{Name}: word {i - GuardWords} of {_words} was overwritten with {now[i]:x8}.");
        }
    }

    public void Dispose()
    {
        _upload.Dispose();
        _device.Dispose();
        _readBack.Dispose();
    }
}
