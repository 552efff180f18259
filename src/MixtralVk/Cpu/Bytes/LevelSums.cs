using MixtralVk.Quantization;

namespace MixtralVk.Cpu.Bytes;

/// <summary>A <see cref="LevelSum"/> as a type, so that each gets code of its own.</summary>
internal interface ILevelSum
{
    /// <summary>Whether the columns 0 .. 15 and 16 .. 31 have sums of their own.</summary>
    static abstract bool InHalves { get; }

    /// <summary>Whether each half has a scale.</summary>
    static abstract bool IsScaled { get; }

    /// <summary>Whether a level other than 0 stands for zero.</summary>
    static abstract bool HasZero { get; }

    /// <summary>Whether weights have offsets.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>Whether levels are signed bytes.</summary>
    static abstract bool IsSigned { get; }
}

/// <summary><see cref="LevelSum.Centred"/></summary>
internal readonly struct Centred : ILevelSum
{
    public static bool InHalves => false;
    public static bool IsScaled => false;
    public static bool HasZero => true;
    public static bool HasOffsets => false;
    public static bool IsSigned => false;
}

/// <summary><see cref="LevelSum.Offset"/></summary>
internal readonly struct Offset : ILevelSum
{
    public static bool InHalves => false;
    public static bool IsScaled => false;
    public static bool HasZero => false;
    public static bool HasOffsets => true;
    public static bool IsSigned => false;
}

/// <summary><see cref="LevelSum.OffsetHalves"/></summary>
internal readonly struct OffsetHalves : ILevelSum
{
    public static bool InHalves => true;
    public static bool IsScaled => false;
    public static bool HasZero => false;
    public static bool HasOffsets => true;
    public static bool IsSigned => false;
}

/// <summary><see cref="LevelSum.ScaledHalves"/></summary>
internal readonly struct ScaledHalves : ILevelSum
{
    public static bool InHalves => true;
    public static bool IsScaled => true;
    public static bool HasZero => true;
    public static bool HasOffsets => false;
    public static bool IsSigned => false;
}

/// <summary><see cref="LevelSum.Signed"/></summary>
internal readonly struct Signed : ILevelSum
{
    public static bool InHalves => false;
    public static bool IsScaled => false;
    public static bool HasZero => false;
    public static bool HasOffsets => false;
    public static bool IsSigned => true;
}
