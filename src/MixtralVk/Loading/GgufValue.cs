namespace MixtralVk.Loading;

/// <summary>Types of GGUF metadata values, with the numbers of the file format.</summary>
public enum GgufValueType
{
#pragma warning disable CS1591 // the names are the documentation
    UInt8 = 0, Int8 = 1, UInt16 = 2, Int16 = 3, UInt32 = 4, Int32 = 5, Float32 = 6, Bool = 7, String = 8, Array = 9,
    UInt64 = 10, Int64 = 11, Float64 = 12,
#pragma warning restore CS1591
}

/// <summary>
/// One metadata value: a number, a truth value, a text, or where an array lies in the file (arrays are decoded when asked for:
/// <see cref="GgufFile.Strings"/>, <see cref="GgufFile.Floats"/>, <see cref="GgufFile.Integers"/>).
/// </summary>
public readonly struct GgufValue
{
    private readonly long _bits;

    private GgufValue(GgufValueType type, long bits, string? text = null, GgufValueType elementType = default, long count = 0)
    {
        Type = type;
        _bits = bits;
        Text = text;
        ElementType = elementType;
        Count = count;
    }

    /// <summary>Type of the value.</summary>
    public GgufValueType Type { get; }

    /// <summary>The text of a <see cref="GgufValueType.String"/>; null for other types.</summary>
    public string? Text { get; }

    /// <summary>Type of an array's elements; meaningless for other types.</summary>
    public GgufValueType ElementType { get; }

    /// <summary>Number of an array's elements; 0 for other types.</summary>
    public long Count { get; }

    /// <summary>The value of any integer type; null for other types and for an unsigned one above 2^63 - 1.</summary>
    public long? Integer => IsInteger(Type) && !(Type == GgufValueType.UInt64 && _bits < 0) ? _bits : null;

    /// <summary>The value of any integer or floating-point type; null for other types.</summary>
    public double? Number => Type is GgufValueType.Float32 or GgufValueType.Float64 ? BitConverter.Int64BitsToDouble(_bits) : Integer;

    /// <summary>The value of a <see cref="GgufValueType.Bool"/>; null for other types.</summary>
    public bool? Flag => Type == GgufValueType.Bool ? _bits != 0 : null;

    /// <summary>Position of an array's first element in the file.</summary>
    internal long ArrayOffset => _bits;

    /// <summary>An integer or a truth value widened to 64 bits, or the bits of a floating-point number as a double.</summary>
    internal long Bits => _bits;

    /// <inheritdoc/>
    public override string ToString() => Type switch
    {
        GgufValueType.String => Text!,
        GgufValueType.Array => $"array of {Count} {ElementType}",
        GgufValueType.Bool => _bits != 0 ? "true" : "false",
        GgufValueType.UInt64 => ((ulong)_bits).ToString(),
        _ => FormattableString.Invariant($"{Number}"),
    };

    internal static GgufValue OfInteger(GgufValueType type, long value) => new(type, value);

    internal static GgufValue OfNumber(GgufValueType type, double value) => new(type, BitConverter.DoubleToInt64Bits(value));

    internal static GgufValue OfText(string text) => new(GgufValueType.String, 0, text);

    internal static GgufValue OfArray(GgufValueType elementType, long count, long offset) =>
        new(GgufValueType.Array, offset, null, elementType, count);

    internal static bool IsInteger(GgufValueType type) => type is GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.UInt16
        or GgufValueType.Int16 or GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.UInt64 or GgufValueType.Int64;

    /// <summary>Bytes of a value of a type with fixed size; 0 for strings and arrays.</summary>
    internal static int FixedBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        GgufValueType.String or GgufValueType.Array => 0,
    };
}
