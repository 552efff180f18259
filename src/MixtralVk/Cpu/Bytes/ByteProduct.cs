using System.Numerics;
using System.Runtime.Intrinsics;
using MixtralVk.Quantization;

namespace MixtralVk.Cpu.Bytes;

/// <summary>
/// The product of a tile and activations rounded to bytes, with one of the instruction sets. All give the same bits: see
/// <see cref="TileByteProduct{TLanes, TRegister}"/>.
/// </summary>
internal readonly unsafe struct ByteProduct
{
    private readonly delegate*<in TiledMatrix, LevelCoding, int, byte*, ActivationBlock**, int, float*, void> _run;

    private ByteProduct(delegate*<in TiledMatrix, LevelCoding, int, byte*, ActivationBlock**, int, float*, void> run) => _run = run;

    /// <summary>The fastest one that this processor has.</summary>
    public static ByteProduct Best { get; } = Supported().First().Product;

    /// <summary>Those that this processor has, the fastest first.</summary>
    public static IEnumerable<(string Name, ByteProduct Product)> Supported()
    {
        if (Avx512Lanes.IsSupported) yield return ("AVX-512", Avx512());
        if (AvxVnniLanes.IsSupported) yield return ("AVX-VNNI", AvxVnni());
        if (Avx2Lanes.IsSupported) yield return ("AVX2", Avx2());
        if (ArmDotLanes.IsSupported) yield return ("Arm dot product", ArmDot());
        yield return ("portable", Portable());
    }

    /// <summary>sums[t][row] = sum over columns of tile[row][column] * inputs[t][column].</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="levels">Of its format.</param>
    /// <param name="tile">Index of the tile.</param>
    /// <param name="next">The tile of this shape that comes next, whose beginning is fetched meanwhile; any address where none
    /// does.</param>
    /// <param name="inputs">The blocks of a row of activations per token.</param>
    /// <param name="tokens">At most <see cref="TileProduct.MaxTokens"/>.</param>
    /// <param name="sums">(tokens, 64)</param>
    public void Run(in TiledMatrix matrix, LevelCoding levels, int tile, byte* next, ActivationBlock** inputs, int tokens, float* sums) =>
        _run(matrix, levels, tile, next, inputs, tokens, sums);

    private static ByteProduct Avx512() => new(&TileByteProduct<Avx512Lanes, Vector512<int>>.Run);
    private static ByteProduct AvxVnni() => new(&TileByteProduct<AvxVnniLanes, Vector256<int>>.Run);
    private static ByteProduct Avx2() => new(&TileByteProduct<Avx2Lanes, Vector256<int>>.Run);
    private static ByteProduct ArmDot() => new(&TileByteProduct<ArmDotLanes, Vector128<int>>.Run);
    private static ByteProduct Portable() => new(&TileByteProduct<PortableLanes, Vector<int>>.Run);
}
