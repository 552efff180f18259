using System.Buffers.Binary;
using System.Text;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>
/// Reads the fields of one protocol-buffers message (protobuf.dev, "Encoding"); every length is checked against the end of the message.
/// After <see cref="Next"/> the field's value must be read or skipped.
/// </summary>
internal ref struct ProtobufReader(string path, ReadOnlySpan<byte> message)
{
    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);

    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = message;
    private int _wireType;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Goes to the next field; false at the end of the message.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        ulong tag = ReadVarint();
        if (tag >> 3 is 0 or > int.MaxValue) throw Error("has a field number that is not allowed");
        (Field, _wireType) = ((int)(tag >> 3), (int)(tag & 7));
        return true;
    }

    /// <summary>The field as an integer.</summary>
    public long Integer()
    {
        Expect(Varint);
        return (long)ReadVarint();
    }

    /// <summary>The field as a 32-bit float.</summary>
    public float Single()
    {
        Expect(Fixed32);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)));
    }

    /// <summary>The field's bytes.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(Delimited);
        return Take(ReadVarint());
    }

    /// <summary>The field as a message of its own.</summary>
    public ProtobufReader Message() => new(path, Bytes());

    /// <summary>The field as a text.</summary>
    public string Text(int mostBytes)
    {
        ReadOnlySpan<byte> bytes = Bytes();
        if (bytes.Length > mostBytes) throw Error($"has a text of more than {mostBytes} bytes");
        try
        {
            return s_strictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw Error("has a text that is not UTF-8", e);
        }
    }

    /// <summary>Passes the field.</summary>
    public void Skip()
    {
        switch (_wireType)
        {
            case Varint: ReadVarint(); break;
            case Fixed64: Take(sizeof(ulong)); break;
            case Delimited: Take(ReadVarint()); break;
            case Fixed32: Take(sizeof(uint)); break;
            default: throw Error($"has a field of wire type {_wireType}, which is not allowed");
        }
    }

    private readonly void Expect(int wireType)
    {
        if (_wireType != wireType) throw Error($"has field {Field} in wire type {_wireType}, not {wireType}");
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int i = 0; i < 10; i++)
        {
            if (i == _rest.Length) throw Error("ends inside a number");
            value |= (ulong)(_rest[i] & 127) << (7 * i);
            if (_rest[i] > 127) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }
        throw Error("has a number of more than 10 bytes");
    }

    private ReadOnlySpan<byte> Take(ulong bytes)
    {
        if (bytes > (ulong)_rest.Length) throw Error($"states a field of {bytes} bytes where {_rest.Length} are left");
        ReadOnlySpan<byte> taken = _rest[..(int)bytes];
        _rest = _rest[(int)bytes..];
        return taken;
    }

    private readonly ModelFileException Error(string problem, Exception? inner = null) =>
        new(path, $"is no SentencePiece model, or damaged: it {problem}.", inner);
}
