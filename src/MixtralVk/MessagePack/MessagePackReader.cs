using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MessagePack;

/// <summary>
/// Reads MessagePack values. Throws <see cref="EndOfStreamException"/> where the bytes end inside a value or a count exceeds what the rest
/// can hold, <see cref="MessagePackSerializationException"/> for a value of another kind, <see cref="OverflowException"/> for a number out
/// of range. Stands in for the reader of the package MessagePack, with the names and signatures of its members, where that package cannot
/// be had.
/// </summary>
internal ref struct MessagePackReader(ReadOnlyMemory<byte> memory)
{
    private readonly ReadOnlyMemory<byte> _memory = memory;
    private readonly ReadOnlySpan<byte> _bytes = memory.Span;
    private int _position;

    /// <summary>Maps and arrays the caller is inside of; see <see cref="MessagePackSecurity.DepthStep"/>.</summary>
    public int Depth { get; set; }

    /// <summary>Bytes read so far.</summary>
    public readonly long Consumed => _position;

    public readonly bool End => _position == _bytes.Length;

    public readonly byte NextCode => End ? throw new EndOfStreamException() : _bytes[_position];

    public readonly MessagePackType NextMessagePackType => MessagePackCode.ToMessagePackType(NextCode);

    public readonly bool IsNil => NextCode == MessagePackCode.Nil;

    public bool TryReadNil()
    {
        bool isNil = IsNil;
        if (isNil) _position++;
        return isNil;
    }

    public bool ReadBoolean() => Code() switch
    {
        MessagePackCode.True => true,
        MessagePackCode.False => false,
        byte code => throw Wrong(code, "true or false"),
    };

    public int ReadInt32() => checked((int)ReadInt64());

    public uint ReadUInt32() => checked((uint)ReadUInt64());

    public long ReadInt64()
    {
        if (NextCode == MessagePackCode.UInt64) return checked((long)ReadUInt64());
        byte code = Code();
        return code switch
        {
            <= MessagePackCode.MaxFixInt => code,
            >= MessagePackCode.MinNegativeFixInt => (sbyte)code,
            MessagePackCode.UInt8 => Take(1)[0],
            MessagePackCode.UInt16 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            MessagePackCode.UInt32 => BinaryPrimitives.ReadUInt32BigEndian(Take(4)),
            MessagePackCode.Int8 => (sbyte)Take(1)[0],
            MessagePackCode.Int16 => BinaryPrimitives.ReadInt16BigEndian(Take(2)),
            MessagePackCode.Int32 => BinaryPrimitives.ReadInt32BigEndian(Take(4)),
            MessagePackCode.Int64 => BinaryPrimitives.ReadInt64BigEndian(Take(8)),
            _ => throw Wrong(code, "an integer"),
        };
    }

    public ulong ReadUInt64()
    {
        if (NextCode != MessagePackCode.UInt64) return checked((ulong)ReadInt64());
        _position++;
        return BinaryPrimitives.ReadUInt64BigEndian(Take(8));
    }

    /// <summary>A 32-bit float, or an integer.</summary>
    public float ReadSingle()
    {
        if (NextMessagePackType == MessagePackType.Integer) return ReadInt64();
        byte code = Code();
        return code == MessagePackCode.Float32 ? BinaryPrimitives.ReadSingleBigEndian(Take(4)) : throw Wrong(code, "a 32-bit float");
    }

    /// <summary>A float of either size, or an integer.</summary>
    public double ReadDouble()
    {
        if (NextCode != MessagePackCode.Float64) return NextCode == MessagePackCode.Float32 ? ReadSingle() : Integer();
        _position++;
        return BinaryPrimitives.ReadDoubleBigEndian(Take(8));
    }

    /// <summary>A text, or null for nil. Bytes that are not UTF-8 become U+FFFD.</summary>
    public string? ReadString() => TryReadNil() ? null : Encoding.UTF8.GetString(Take(StringLength()));

    /// <summary>The bytes of a text, valid as long as the memory read from; false, and nothing read, for nil.</summary>
    public bool TryReadStringSpan(out ReadOnlySpan<byte> utf8)
    {
        utf8 = default;
        if (IsNil) return false;
        utf8 = Take(StringLength());
        return true;
    }

    /// <summary>Bytes, or null for nil; not copied.</summary>
    public ReadOnlySequence<byte>? ReadBytes()
    {
        if (TryReadNil()) return null;
        byte code = Code();
        int length = code switch
        {
            MessagePackCode.Bin8 => Take(1)[0],
            MessagePackCode.Bin16 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            MessagePackCode.Bin32 => Length32(),
            _ => throw Wrong(code, "bytes"),
        };
        return TakeSequence(length);
    }

    /// <summary>Number of values that follow; not more than bytes are left, so it may size an allocation.</summary>
    public int ReadArrayHeader()
    {
        byte code = Code();
        int count = code switch
        {
            >= MessagePackCode.MinFixArray and <= MessagePackCode.MaxFixArray => code & 15,
            MessagePackCode.Array16 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            MessagePackCode.Array32 => Length32(),
            _ => throw Wrong(code, "an array"),
        };
        return Justified(count, 1);
    }

    /// <summary>Number of pairs that follow; at most half as many as bytes are left.</summary>
    public int ReadMapHeader()
    {
        byte code = Code();
        int count = code switch
        {
            >= MessagePackCode.MinFixMap and <= MessagePackCode.MaxFixMap => code & 15,
            MessagePackCode.Map16 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            MessagePackCode.Map32 => Length32(),
            _ => throw Wrong(code, "a map"),
        };
        return Justified(count, 2);
    }

    public ExtensionHeader ReadExtensionFormatHeader()
    {
        byte code = Code();
        int length = code switch
        {
            >= MessagePackCode.FixExt1 and <= MessagePackCode.FixExt16 => 1 << (code - MessagePackCode.FixExt1),
            MessagePackCode.Ext8 => Take(1)[0],
            MessagePackCode.Ext16 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            MessagePackCode.Ext32 => Length32(),
            _ => throw Wrong(code, "an extension"),
        };
        var typeCode = (sbyte)Take(1)[0];
        return new ExtensionHeader(typeCode, (uint)Justified(length, 1));
    }

    public ExtensionResult ReadExtensionFormat()
    {
        ExtensionHeader header = ReadExtensionFormatHeader();
        return new ExtensionResult(header.TypeCode, TakeSequence((int)header.Length));
    }

    /// <summary>Passes one value with all it contains. No recursion: only the number of values still to pass is kept, so nesting costs nothing.</summary>
    public void Skip()
    {
        for (long left = 1; left > 0; left--)
        {
            byte code = NextCode;
            switch (MessagePackCode.ToMessagePackType(code))
            {
                case MessagePackType.Array: left += ReadArrayHeader(); break;
                case MessagePackType.Map: left += 2L * ReadMapHeader(); break;
                case MessagePackType.String: Take(StringLength()); break;
                case MessagePackType.Binary: ReadBytes(); break;
                case MessagePackType.Extension: ReadExtensionFormat(); break;
                case MessagePackType.Nil or MessagePackType.Boolean: _position++; break;
                case MessagePackType.Float: Take(code == MessagePackCode.Float32 ? 5 : 9); break;
                case MessagePackType.Integer: Take(IntegerBytes(code)); break;
                case MessagePackType.Unknown: throw Wrong(code, "a value");
            }
        }
    }

    private static int IntegerBytes(byte code) => code is >= MessagePackCode.UInt8 and <= MessagePackCode.Int64 ? 1 + (1 << (code - MessagePackCode.UInt8) % 4) : 1;

    private double Integer() => NextCode == MessagePackCode.UInt64 ? ReadUInt64() : ReadInt64();

    private int StringLength()
    {
        byte code = Code();
        return code switch
        {
            >= MessagePackCode.MinFixStr and <= MessagePackCode.MaxFixStr => code & 31,
            MessagePackCode.Str8 => Take(1)[0],
            MessagePackCode.Str16 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            MessagePackCode.Str32 => Length32(),
            _ => throw Wrong(code, "a text"),
        };
    }

    private int Length32()
    {
        uint length = BinaryPrimitives.ReadUInt32BigEndian(Take(4));
        return length <= int.MaxValue ? (int)length : throw new EndOfStreamException();
    }

    private byte Code() => Take(1)[0];

    private readonly int Justified(int count, int bytesEach) => count <= (_bytes.Length - _position) / bytesEach ? count : throw new EndOfStreamException();

    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes > _bytes.Length - _position) throw new EndOfStreamException();
        ReadOnlySpan<byte> taken = _bytes.Slice(_position, bytes);
        _position += bytes;
        return taken;
    }

    private ReadOnlySequence<byte> TakeSequence(int bytes)
    {
        int start = _position;
        Take(bytes);
        return new ReadOnlySequence<byte>(_memory.Slice(start, bytes));
    }

    private static MessagePackSerializationException Wrong(byte code, string wanted) => new($"0x{code:X2} does not begin {wanted}.");
}
