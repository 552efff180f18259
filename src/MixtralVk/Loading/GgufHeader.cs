using System.Numerics;

namespace MixtralVk.Loading;

/// <summary>
/// The part of a GGUF file before its data: magic, version, counts, metadata, tensor descriptions. The format is described in
/// ggml's docs/gguf.md. Nothing read here is trusted: each number is checked before it is used as a length, a count or a position.
/// </summary>
internal sealed class GgufHeader
{
    private const uint Magic = 0x46554747; // "GGUF"
    private const int NameBytes = 1024;
    private const int TextBytes = 1 << 24;
    private const ulong MaxCount = 1 << 20;
    private const ulong MaxAlignment = 1 << 20;
    private const ulong LeastValueBytes = 8 + 4 + 1;            // key length, type, a one-byte value
    private const ulong LeastTensorBytes = 8 + 4 + 8 + 4 + 8;   // name length, dimension count, one dimension, type, offset

    public required uint Version { get; init; }
    public required Dictionary<string, GgufValue> Metadata { get; init; }
    public required Dictionary<string, GgufTensor> Tensors { get; init; }

    public static GgufHeader Read(MappedFile file)
    {
        GgufCursor cursor = file.Cursor();
        uint version = ReadVersion(ref cursor);
        ulong tensorCount = ReadCount(ref cursor, "the tensor count", LeastTensorBytes);
        ulong valueCount = ReadCount(ref cursor, "the metadata count", LeastValueBytes);

        var metadata = new Dictionary<string, GgufValue>((int)valueCount);
        for (ulong i = 0; i < valueCount; i++)
        {
            string key = cursor.Text($"the key of metadata value {i}", NameBytes);
            if (!metadata.TryAdd(key, ReadValue(ref cursor, key))) throw cursor.Error($"metadata key '{key}' appears twice.");
        }

        ulong alignment = Alignment(in cursor, metadata);
        var found = new List<(string Name, GgmlType Type, long[] Dimensions, ulong Offset, ulong Bytes)>((int)tensorCount);
        for (ulong i = 0; i < tensorCount; i++) found.Add(ReadTensor(ref cursor, i, alignment));

        ulong dataStart = ((ulong)cursor.Position + alignment - 1) / alignment * alignment;
        ulong fileBytes = (ulong)(cursor.Position + cursor.Remaining);
        var tensors = new Dictionary<string, GgufTensor>(found.Count);
        foreach (var (name, type, dimensions, offset, bytes) in found)
        {
            ulong room = fileBytes < dataStart ? 0 : fileBytes - dataStart;
            if (offset > room || bytes > room - offset)
                throw cursor.Error(
                    $"tensor '{name}' needs {bytes} bytes at offset {offset} of the data, which has {room} bytes; the file is truncated or damaged.");
            var tensor = new GgufTensor(name, type, dimensions, (long)(dataStart + offset), (long)bytes, file);
            if (!tensors.TryAdd(name, tensor)) throw cursor.Error($"tensor '{name}' appears twice.");
        }
        RefuseOverlap(in cursor, tensors.Values);
        return new GgufHeader { Version = version, Metadata = metadata, Tensors = tensors };
    }

    private static uint ReadVersion(ref GgufCursor cursor)
    {
        if (cursor.Number<uint>("the magic") != Magic) throw cursor.Error("not a GGUF file (it does not begin with \"GGUF\").");
        uint version = cursor.Number<uint>("the version");
        if ((version & 0xFFFF) == 0 && version != 0) throw cursor.Error("a big-endian GGUF file; only little-endian ones are supported.");
        if (version is not (2 or 3)) throw cursor.Error($"GGUF version {version}; versions 2 and 3 are supported.");
        return version;
    }

    private static ulong ReadCount(ref GgufCursor cursor, string what, ulong leastBytesEach)
    {
        ulong count = cursor.Number<ulong>(what);
        ulong most = Math.Min((ulong)cursor.Remaining / leastBytesEach, MaxCount);
        if (count > most) throw cursor.Error($"{what} is {count}, more than a file of this size can hold ({most}).");
        return count;
    }

    private static GgufValue ReadValue(ref GgufCursor cursor, string key)
    {
        string what = $"metadata value '{key}'";
        GgufValueType type = ReadValueType(ref cursor, what);
        return type switch
        {
            GgufValueType.UInt8 => GgufValue.OfInteger(type, cursor.Number<byte>(what)),
            GgufValueType.Int8 => GgufValue.OfInteger(type, cursor.Number<sbyte>(what)),
            GgufValueType.UInt16 => GgufValue.OfInteger(type, cursor.Number<ushort>(what)),
            GgufValueType.Int16 => GgufValue.OfInteger(type, cursor.Number<short>(what)),
            GgufValueType.UInt32 => GgufValue.OfInteger(type, cursor.Number<uint>(what)),
            GgufValueType.Int32 => GgufValue.OfInteger(type, cursor.Number<int>(what)),
            GgufValueType.UInt64 or GgufValueType.Int64 => GgufValue.OfInteger(type, cursor.Number<long>(what)),
            GgufValueType.Float32 => GgufValue.OfNumber(type, cursor.Number<float>(what)),
            GgufValueType.Float64 => GgufValue.OfNumber(type, cursor.Number<double>(what)),
            GgufValueType.Bool => GgufValue.OfInteger(type, ReadFlag(ref cursor, what)),
            GgufValueType.String => GgufValue.OfText(cursor.Text(what, TextBytes)),
            GgufValueType.Array => ReadArray(ref cursor, what),
        };
    }

    private static GgufValueType ReadValueType(ref GgufCursor cursor, string what)
    {
        uint type = cursor.Number<uint>(what);
        if (type > (uint)GgufValueType.Float64) throw cursor.Error($"{what} has the unknown type {type}.");
        return (GgufValueType)type;
    }

    private static long ReadFlag(ref GgufCursor cursor, string what)
    {
        byte flag = cursor.Number<byte>(what);
        return flag <= 1 ? flag : throw cursor.Error($"{what} is {flag}, not true or false.");
    }

    /// <summary>Checks an array's extent and remembers where it lies.</summary>
    private static GgufValue ReadArray(ref GgufCursor cursor, string what)
    {
        GgufValueType elementType = ReadValueType(ref cursor, what);
        if (elementType == GgufValueType.Array) throw cursor.Error($"{what} is an array of arrays, which is not supported.");
        ulong count = cursor.Number<ulong>(what);
        int elementBytes = GgufValue.FixedBytes(elementType);
        int leastBytes = elementBytes > 0 ? elementBytes : sizeof(ulong);
        if (count > (ulong)Math.Min(cursor.Remaining, int.MaxValue) / (ulong)leastBytes)
            throw cursor.Error($"{what} is an array of {count} elements, more than the rest of the file can hold or this engine reads.");

        long offset = cursor.Position;
        if (elementBytes > 0) cursor.Skip(count * (ulong)elementBytes, what);
        else for (ulong i = 0; i < count; i++) cursor.SkipText(what);
        return GgufValue.OfArray(elementType, (long)count, offset);
    }

    private static ulong Alignment(in GgufCursor cursor, Dictionary<string, GgufValue> metadata)
    {
        const string key = "general.alignment";
        if (!metadata.TryGetValue(key, out GgufValue value)) return 32;
        if (value.Integer is not long alignment || !BitOperations.IsPow2(alignment) || (ulong)alignment > MaxAlignment)
            throw cursor.Error($"{key} is {value}, not a power of two up to {MaxAlignment}.");
        return (ulong)alignment;
    }

    private static (string, GgmlType, long[], ulong Offset, ulong Bytes) ReadTensor(ref GgufCursor cursor, ulong index, ulong alignment)
    {
        string name = cursor.Text($"the name of tensor {index}", NameBytes);
        string what = $"tensor '{name}'";
        uint rank = cursor.Number<uint>(what);
        if (rank is < 1 or > 4) throw cursor.Error($"{what} has {rank} dimensions; 1 to 4 are allowed.");
        var dimensions = new long[rank];
        for (int i = 0; i < dimensions.Length; i++)
        {
            dimensions[i] = cursor.Number<long>(what);
            if (dimensions[i] < 1) throw cursor.Error($"{what} has a dimension of {(ulong)dimensions[i]}.");
        }

        uint typeNumber = cursor.Number<uint>(what);
        var type = (GgmlType)typeNumber;
        if (!Enum.IsDefined(type)) throw cursor.Error($"{what} has the unknown type {typeNumber}.");
        (int elements, int bytes) = type.Block();
        if (dimensions[0] % elements != 0)
            throw cursor.Error($"{what} of type {type} has rows of {dimensions[0]}, not a multiple of {elements}.");

        ulong size = Size(in cursor, what, dimensions, elements, bytes);
        ulong offset = cursor.Number<ulong>(what);
        if (offset % alignment != 0) throw cursor.Error($"{what} lies at offset {offset}, not a multiple of {alignment}.");
        return (name, type, dimensions, offset, size);
    }

    private static ulong Size(in GgufCursor cursor, string what, long[] dimensions, int blockElements, int blockBytes)
    {
        UInt128 size = (UInt128)(ulong)(dimensions[0] / blockElements) * (ulong)blockBytes;
        foreach (long dimension in dimensions.AsSpan(1))
        {
            // Below 2^63 times below 2^63 fits 128 bits, so checking after each step is enough.
            if (size <= long.MaxValue) size *= (ulong)dimension;
        }
        return size <= long.MaxValue
            ? (ulong)size : throw cursor.Error($"{what} has dimensions {string.Join(" x ", dimensions)}, whose size overflows.");
    }

    private static void RefuseOverlap(in GgufCursor cursor, IEnumerable<GgufTensor> tensors)
    {
        GgufTensor? before = null;
        foreach (GgufTensor tensor in tensors.OrderBy(t => t.Offset))
        {
            if (before is not null && tensor.Offset < before.Offset + before.Bytes)
                throw cursor.Error($"tensors '{before.Name}' and '{tensor.Name}' overlap.");
            before = tensor;
        }
    }
}
