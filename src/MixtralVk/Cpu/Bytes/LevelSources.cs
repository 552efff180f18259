using System.Runtime.CompilerServices;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu.Bytes;

/// <summary>A <see cref="LevelPacking"/> as a type, so that each gets code of its own.</summary>
internal unsafe interface ILevelSource
{
    /// <summary>
    /// A register of levels, four columns of each row, from the words of the first half of a panel's columns, or of the second.
    /// </summary>
    static abstract TRegister Load<TLanes, TRegister>(int* words, bool second)
        where TLanes : IByteLanes<TRegister> where TRegister : struct;
}

/// <summary><see cref="LevelPacking.Bytes"/></summary>
internal readonly unsafe struct ByteLevels : ILevelSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRegister Load<TLanes, TRegister>(int* words, bool second)
        where TLanes : IByteLanes<TRegister> where TRegister : struct =>
        TLanes.Load(words + (second ? 4 * RowTileLayout.TileRows : 0));
}

/// <summary><see cref="LevelPacking.NibbleHalves"/></summary>
internal readonly unsafe struct NibbleHalves : ILevelSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRegister Load<TLanes, TRegister>(int* words, bool second)
        where TLanes : IByteLanes<TRegister> where TRegister : struct =>
        TLanes.Nibbles(TLanes.Load(words), high: second);
}

/// <summary>The even panels of <see cref="LevelPacking.NibblePairs"/></summary>
internal readonly unsafe struct LowNibbles : ILevelSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRegister Load<TLanes, TRegister>(int* words, bool second)
        where TLanes : IByteLanes<TRegister> where TRegister : struct =>
        TLanes.Nibbles(TLanes.Load(words + (second ? 4 * RowTileLayout.TileRows : 0)), high: false);
}

/// <summary>
/// The odd panels of <see cref="LevelPacking.NibblePairs"/>, whose words begin half a panel before <see cref="LevelPanels.WordStep"/> has
/// them.
/// </summary>
internal readonly unsafe struct HighNibbles : ILevelSource
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRegister Load<TLanes, TRegister>(int* words, bool second)
        where TLanes : IByteLanes<TRegister> where TRegister : struct =>
        TLanes.Nibbles(TLanes.Load(words - (second ? 0 : 4 * RowTileLayout.TileRows)), high: true);
}
