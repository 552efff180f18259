namespace MixtralVk.Reference;

/// <summary>The tensor types of a GGUF file; the numbers are the file's.</summary>
public enum TensorType
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ4_NL = 20,
    IQ4_XS = 23,
    BF16 = 30,
}

/// <summary>A tensor as it lies in a GGUF file.</summary>
/// <param name="Type">Type of its blocks.</param>
/// <param name="Bytes">Its blocks, row after row.</param>
public sealed record RawTensor(TensorType Type, byte[] Bytes);
