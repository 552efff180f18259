using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MessagePack;

/// <summary>
/// Writes MessagePack values, each in its shortest form; the methods named after a type keep that type's size. Stands in for the writer of
/// the package MessagePack, with the names and signatures of its members, where that package cannot be had.
/// </summary>
internal ref struct MessagePackWriter(IBufferWriter<byte> writer)
{
    private readonly IBufferWriter<byte> _writer = writer;

    /// <summary>The package's writer buffers; this one has given everything to the buffer writer already.</summary>
#pragma warning disable CA1822 // an instance method there
    public readonly void Flush() { }
#pragma warning restore CA1822

    public readonly void WriteNil() => Code(MessagePackCode.Nil);

    public readonly void Write(bool value) => Code(value ? MessagePackCode.True : MessagePackCode.False);

    public readonly void Write(int value) => Write((long)value);

    public readonly void Write(uint value) => Write((ulong)value);

    public readonly void Write(long value)
    {
        if (value >= 0) Write((ulong)value);
        else if (value >= -32) Code((byte)value);
        else if (value >= sbyte.MinValue) Tail(MessagePackCode.Int8, 1)[0] = (byte)value;
        else if (value >= short.MinValue) BinaryPrimitives.WriteInt16BigEndian(Tail(MessagePackCode.Int16, 2), (short)value);
        else if (value >= int.MinValue) BinaryPrimitives.WriteInt32BigEndian(Tail(MessagePackCode.Int32, 4), (int)value);
        else BinaryPrimitives.WriteInt64BigEndian(Tail(MessagePackCode.Int64, 8), value);
    }

    public readonly void Write(ulong value)
    {
        if (value <= MessagePackCode.MaxFixInt) Code((byte)value);
        else if (value <= byte.MaxValue) Tail(MessagePackCode.UInt8, 1)[0] = (byte)value;
        else if (value <= ushort.MaxValue) BinaryPrimitives.WriteUInt16BigEndian(Tail(MessagePackCode.UInt16, 2), (ushort)value);
        else if (value <= uint.MaxValue) WriteUInt32((uint)value);
        else BinaryPrimitives.WriteUInt64BigEndian(Tail(MessagePackCode.UInt64, 8), value);
    }

    /// <summary>Always five bytes.</summary>
    public readonly void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Tail(MessagePackCode.UInt32, 4), value);

    public readonly void Write(float value) => BinaryPrimitives.WriteSingleBigEndian(Tail(MessagePackCode.Float32, 4), value);

    public readonly void Write(double value) => BinaryPrimitives.WriteDoubleBigEndian(Tail(MessagePackCode.Float64, 8), value);

    /// <summary>Null writes nil.</summary>
    public readonly void Write(string? value)
    {
        if (value is null)
        {
            WriteNil();
            return;
        }
        int bytes = Encoding.UTF8.GetByteCount(value);
        WriteStringHeader(bytes);
        Encoding.UTF8.GetBytes(value, _writer.GetSpan(bytes));
        _writer.Advance(bytes);
    }

    /// <summary>A text in UTF-8.</summary>
    public readonly void WriteString(ReadOnlySpan<byte> utf8)
    {
        WriteStringHeader(utf8.Length);
        WriteRaw(utf8);
    }

    /// <summary>The text's bytes follow by <see cref="WriteRaw"/>.</summary>
    public readonly void WriteStringHeader(int byteCount)
    {
        if (byteCount < 32) Code((byte)(MessagePackCode.MinFixStr | byteCount));
        else Header(MessagePackCode.Str8, MessagePackCode.Str16, MessagePackCode.Str32, byteCount);
    }

    /// <summary>Bytes.</summary>
    public readonly void Write(ReadOnlySpan<byte> value)
    {
        WriteBinHeader(value.Length);
        WriteRaw(value);
    }

    /// <summary>The bytes follow by <see cref="WriteRaw"/>.</summary>
    public readonly void WriteBinHeader(int length) => Header(MessagePackCode.Bin8, MessagePackCode.Bin16, MessagePackCode.Bin32, length);

    public readonly void WriteArrayHeader(int count)
    {
        if (count < 16) Code((byte)(MessagePackCode.MinFixArray | count));
        else Header(null, MessagePackCode.Array16, MessagePackCode.Array32, count);
    }

    public readonly void WriteMapHeader(int count)
    {
        if (count < 16) Code((byte)(MessagePackCode.MinFixMap | count));
        else Header(null, MessagePackCode.Map16, MessagePackCode.Map32, count);
    }

    public readonly void WriteExtensionFormatHeader(ExtensionHeader header)
    {
        int length = checked((int)header.Length);
        if (length is 1 or 2 or 4 or 8 or 16) Code((byte)(MessagePackCode.FixExt1 + int.Log2(length)));
        else Header(MessagePackCode.Ext8, MessagePackCode.Ext16, MessagePackCode.Ext32, length);
        Code((byte)header.TypeCode);
    }

    public readonly void WriteExtensionFormat(ExtensionResult value)
    {
        WriteExtensionFormatHeader(value.Header);
        foreach (ReadOnlyMemory<byte> part in value.Data) WriteRaw(part.Span);
    }

    /// <summary>Bytes as they are.</summary>
    public readonly void WriteRaw(ReadOnlySpan<byte> bytes) => _writer.Write(bytes);

    private readonly void Header(byte? with8, byte with16, byte with32, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (with8 is byte code && length <= byte.MaxValue) Tail(code, 1)[0] = (byte)length;
        else if (length <= ushort.MaxValue) BinaryPrimitives.WriteUInt16BigEndian(Tail(with16, 2), (ushort)length);
        else BinaryPrimitives.WriteUInt32BigEndian(Tail(with32, 4), (uint)length);
    }

    private readonly void Code(byte code) => Tail(code, 0);

    /// <summary>Writes a code and returns the place of the bytes after it, which the caller fills before anything else is written.</summary>
    private readonly Span<byte> Tail(byte code, int bytes)
    {
        Span<byte> span = _writer.GetSpan(1 + bytes);
        span[0] = code;
        _writer.Advance(1 + bytes);
        return span.Slice(1, bytes);
    }
}
