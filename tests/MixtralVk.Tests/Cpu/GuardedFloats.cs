namespace MixtralVk.Tests.Cpu;

/// <summary>
/// Numbers at a fixed address between two guard zones; as an output it begins as NaN, so that a value never written shows.
/// </summary>
internal sealed unsafe class GuardedFloats
{
    private const int Guard = 64;
    private const int Mark = 0x7FC0BEEF;
    private readonly int[] _memory;
    private readonly int _count;

    /// <summary>An output of <paramref name="count"/> NaNs.</summary>
    public GuardedFloats(int count)
    {
        _count = count;
        _memory = GC.AllocateArray<int>(count + 2 * Guard, pinned: true);
        Array.Fill(_memory, Mark);
    }

    /// <summary>An input.</summary>
    public GuardedFloats(ReadOnlySpan<float> values) : this(values.Length) => values.CopyTo(new Span<float>(Pointer, _count));

    public float* Pointer => (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _memory[Guard]);

    /// <summary>The values; fails when something wrote outside of them.</summary>
    public float[] Values()
    {
        Assert.All(_memory[..Guard].Concat(_memory[(Guard + _count)..]), word => Assert.Equal(Mark, word));
        return new ReadOnlySpan<float>(Pointer, _count).ToArray();
    }
}
