using System.Runtime.InteropServices;

namespace MixtralVk.Cpu.Bytes;

/// <summary>
/// 32 neighbouring activations as signed bytes: level * scale is at most half a scale from the activation. The largest of them has level
/// 127 or -127.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ActivationBlock
{
    /// <summary>Activations of a block.</summary>
    public const int Cols = 32;

    /// <summary>-127 .. 127 each, four to a word.</summary>
    public fixed sbyte Levels[Cols];
    /// <summary>Not finite where an activation is not.</summary>
    public float Scale;
    /// <summary>
    /// Sums of the levels as two signed 16-bit numbers: those at 0 and 1 of each four columns in the low half, those at 2 and 3 in the high
    /// one.
    /// </summary>
    public int Pairs;
    /// <summary>The same of columns 0 .. 15.</summary>
    public int FirstPairs;
    /// <summary>The same of columns 16 .. 31.</summary>
    public int SecondPairs;

    /// <summary>Scale times the sum of all levels: what a weight's offset is multiplied with.</summary>
    public readonly float Sum => Scale * ((short)Pairs + (Pairs >> 16));
}
