using MixtralVk.Quantization;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench;

/// <summary>
/// A matrix as large as a real one, made in a moment: a few random tiles that repeat, so few rows have to be dequantised for the reference.
/// Their number is prime, so a kernel that takes a wrong tile gets wrong numbers.
/// </summary>
internal sealed class PatternMatrix
{
    private const int Patterns = 5;

    private readonly TestMatrix _pattern;

    /// <param name="matrix">Shape; where it exceeds <paramref name="maxBytes"/>, only its first tiles are made.</param>
    /// <param name="seed">Seed of the tiles.</param>
    /// <param name="maxBytes">Most bytes of the tiles.</param>
    public PatternMatrix(Matrix matrix, int seed, long maxBytes)
    {
        var whole = new RowTileLayout(matrix.Format, matrix.Rows, matrix.Cols);
        int tiles = (int)Math.Min(whole.Tiles, maxBytes / whole.TileBytes);
        Layout = whole with { Rows = Math.Min(matrix.Rows, tiles * RowTileLayout.TileRows) };
        _pattern = new TestMatrix(matrix.Format, Math.Min(Patterns, tiles) * RowTileLayout.TileRows, matrix.Cols, seed);
        Tiles = new byte[Layout.Bytes];
        for (int at = 0; at < Tiles.Length; at += _pattern.Tiles.Length)
            _pattern.Tiles.AsSpan(0, Math.Min(_pattern.Tiles.Length, Tiles.Length - at)).CopyTo(Tiles.AsSpan(at));
    }

    /// <summary>Format and the rows that are there.</summary>
    public RowTileLayout Layout { get; }

    /// <summary>The row tiles.</summary>
    public byte[] Tiles { get; }

    /// <summary>sum over c of row[c] * input[c], in double.</summary>
    public double Dot(int row, ReadOnlySpan<float> input)
    {
        int patternRows = _pattern.Layout.Rows;
        ReadOnlySpan<float> values = _pattern.Values.AsSpan(row % patternRows * Layout.Cols, Layout.Cols);
        double sum = 0;
        for (int c = 0; c < input.Length; c++) sum += (double)values[c] * input[c];
        return sum;
    }
}
