namespace MixtralVk.Conversion;

/// <summary>A tensor of a safetensors file. Its sizes were checked: their product fits, the data lies inside the file.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Type">Name of the element type, as the file spells it: <c>BF16</c>, <c>F16</c>, <c>F32</c>, ….</param>
/// <param name="Shape">Sizes, the slowest first; empty for a single number.</param>
/// <param name="Offset">Position of the data in bytes from the begin of the file.</param>
/// <param name="Bytes">Size of the data in bytes.</param>
internal sealed record SafetensorsTensor(string Name, string Type, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    /// <summary>Bytes of one element; 0 for a type the format does not have.</summary>
    public static int ElementBytes(string type) => type switch
    {
        "BOOL" or "U8" or "I8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 1,
        "U16" or "I16" or "F16" or "BF16" => 2,
        "U32" or "I32" or "F32" => 4,
        "U64" or "I64" or "F64" or "C64" => 8,
        _ => 0,
    };
}
