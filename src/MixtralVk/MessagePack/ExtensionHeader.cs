using System.Buffers;

namespace MessagePack;

/// <summary>Type and length in bytes of an extension value.</summary>
internal readonly struct ExtensionHeader(sbyte typeCode, uint length)
{
    public sbyte TypeCode => typeCode;
    public uint Length => length;
}

/// <summary>An extension value.</summary>
internal readonly struct ExtensionResult(sbyte typeCode, ReadOnlySequence<byte> data)
{
    public ExtensionResult(sbyte typeCode, Memory<byte> data) : this(typeCode, new ReadOnlySequence<byte>(data)) { }

    public sbyte TypeCode => typeCode;
    public ReadOnlySequence<byte> Data => data;
    public ExtensionHeader Header => new(typeCode, checked((uint)data.Length));
}
