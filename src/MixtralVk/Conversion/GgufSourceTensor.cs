using System.Runtime.InteropServices;
using MixtralVk.Loading;
using MixtralVk.Quantization;

namespace MixtralVk.Conversion;

/// <summary>A tensor of a GGUF file: copied as it is, or turned into floats through the engine's row tiles.</summary>
internal sealed class GgufSourceTensor : SourceTensor
{
    private readonly GgufFile _file;
    private readonly GgufTensor _tensor;

    public GgufSourceTensor(GgufFile file, GgufTensor tensor) : base(tensor.Name, tensor.Dimensions)
    {
        (_file, _tensor) = (file, tensor);
        if (tensor.Dimensions[0] > 1 << 20)
            throw file.Error($"tensor '{tensor.Name}' has rows of {tensor.Dimensions[0]}, too long for this program.");
    }

    public override GgmlType? StoredType => _tensor.Type;

    public override void CopyRows(long firstRow, int rowCount, Span<byte> rows) => _file.Rows(_tensor, firstRow, rowCount).CopyTo(rows);

    public override void ReadRows(long firstRow, int rowCount, Span<float> values)
    {
        WeightFormat format = _tensor.Type.WeightFormat() ?? throw Error($"has type {_tensor.Type}, which cannot be read yet.");
        if (format == WeightFormat.F32 && BitConverter.IsLittleEndian)
        {
            MemoryMarshal.Cast<byte, float>(_file.Rows(_tensor, firstRow, rowCount)).CopyTo(values);
            return;
        }
        var layout = new RowTileLayout(format, RowTileLayout.TileRows, Cols);
        byte[] tile = new byte[layout.TileBytes];
        for (int done = 0; done < rowCount; done += RowTileLayout.TileRows)
        {
            int rows = Math.Min(RowTileLayout.TileRows, rowCount - done);
            RowTile.Repack(layout, _file.Rows(_tensor, firstRow + done, rows), rows, tile);
            RowTile.DequantizeRows(layout, tile, values.Slice(done * Cols, rows * Cols));
        }
    }

    public override ModelFileException Error(string problem) => _file.Error($"tensor '{Name}' {problem}");
}
