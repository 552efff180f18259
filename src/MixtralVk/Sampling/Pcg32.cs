using System.Numerics;

namespace MixtralVk.Sampling;

/// <summary>
/// PCG-XSH-RR 64/32 (M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms", 2014): one seed gives the
/// same numbers on every platform and in every version of this engine.
/// </summary>
internal struct Pcg32
{
    private const ulong Multiplier = 6364136223846793005;

    private readonly ulong _increment;
    private ulong _state;

    public Pcg32(ulong seed, ulong stream)
    {
        _increment = stream << 1 | 1;
        NextUInt32();
        _state += seed;
        NextUInt32();
    }

    public uint NextUInt32()
    {
        ulong old = _state;
        _state = old * Multiplier + _increment;
        return BitOperations.RotateRight((uint)((old >> 18 ^ old) >> 27), (int)(old >> 59));
    }

    /// <summary>A number in [0, 1), a multiple of 2^-32.</summary>
    public double NextDouble() => NextUInt32() * (1.0 / 4294967296.0);
}
