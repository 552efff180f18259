using System.Buffers.Binary;

namespace MixtralVk.Reference;

/// <summary>
/// The floats that blocks of a GGUF file stand for. Formats: github.com/ggml-org/ggml, ggml-common.h (block_q4_0 and so on).
/// </summary>
public static partial class Dequantize
{
    private delegate void BlockReader(ReadOnlySpan<byte> block, Span<float> y);

    /// <summary>Values of one block.</summary>
    public static int BlockValues(TensorType type) => Format(type).Values;

    /// <summary>Bytes of one block.</summary>
    public static int BlockBytes(TensorType type) => Format(type).Bytes;

    /// <summary>All values of a tensor.</summary>
    public static float[] All(RawTensor tensor) => Blocks(tensor.Type, tensor.Bytes);

    /// <summary>All values of whole blocks.</summary>
    public static float[] Blocks(TensorType type, ReadOnlySpan<byte> bytes)
    {
        var (values, size, read) = Format(type);
        if (bytes.Length % size != 0) throw new ArgumentException($"{bytes.Length} bytes are no whole number of {type} blocks.");
        var result = new float[bytes.Length / size * values];
        for (int b = 0; b < bytes.Length / size; b++) read(bytes.Slice(b * size, size), result.AsSpan(b * values, values));
        return result;
    }

    private static (int Values, int Bytes, BlockReader Read) Format(TensorType type) => type switch
    {
        TensorType.F32 => (1, 4, (block, y) => y[0] = BinaryPrimitives.ReadSingleLittleEndian(block)),
        TensorType.F16 => (1, 2, (block, y) => y[0] = HalfAt(block, 0)),
        TensorType.BF16 =>
            (1, 2, (block, y) => y[0] = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(block) << 16)),
        TensorType.Q4_0 => (32, 2 + 16, Q4_0),
        TensorType.Q4_1 => (32, 2 + 2 + 16, Q4_1),
        TensorType.Q5_0 => (32, 2 + 4 + 16, Q5_0),
        TensorType.Q5_1 => (32, 2 + 2 + 4 + 16, Q5_1),
        TensorType.Q8_0 => (32, 2 + 32, Q8_0),
        TensorType.IQ4_NL => (32, 2 + 16, IQ4_NL),
        TensorType.Q2_K => (256, 16 + 64 + 2 + 2, Q2_K),
        TensorType.Q3_K => (256, 32 + 64 + 12 + 2, Q3_K),
        TensorType.Q4_K => (256, 2 + 2 + 12 + 128, Q4_K),
        TensorType.Q5_K => (256, 2 + 2 + 12 + 32 + 128, Q5_K),
        TensorType.Q6_K => (256, 128 + 64 + 16 + 2, Q6_K),
        TensorType.IQ4_XS => (256, 2 + 2 + 4 + 128, IQ4_XS),
    };

    private static float HalfAt(ReadOnlySpan<byte> bytes, int offset) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[offset..]);
}
