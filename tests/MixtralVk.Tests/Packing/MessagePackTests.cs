using System.Buffers;
using System.Diagnostics;
using MessagePack;

namespace MixtralVk.Tests.Packing;

/// <summary>The wire types, byte for byte as the MessagePack specification has them, and bytes that lie.</summary>
public sealed class MessagePackTests
{
    private delegate void Writing(ref MessagePackWriter writer);

    private delegate T Reading<T>(ref MessagePackReader reader);

    /// <summary>Borders of every size an integer is written in.</summary>
    public static TheoryData<long, string> Integers => new()
    {
        { 0, "00" }, { 127, "7F" }, { 128, "CC80" }, { 255, "CCFF" }, { 256, "CD0100" }, { 65535, "CDFFFF" }, { 65536, "CE00010000" },
        { uint.MaxValue, "CEFFFFFFFF" }, { 1L << 32, "CF0000000100000000" }, { long.MaxValue, "CF7FFFFFFFFFFFFFFF" },
        { -1, "FF" }, { -32, "E0" }, { -33, "D0DF" }, { -128, "D080" }, { -129, "D1FF7F" }, { -32768, "D18000" }, { -32769, "D2FFFF7FFF" },
        { int.MinValue, "D280000000" }, { int.MinValue - 1L, "D3FFFFFFFF7FFFFFFF" }, { long.MinValue, "D38000000000000000" },
    };

    [Theory, MemberData(nameof(Integers))]
    public void Integers_are_shortest_and_come_back(long value, string bytes)
    {
        Same(bytes, (ref MessagePackWriter w) => w.Write(value), (ref MessagePackReader r) => r.ReadInt64(), value);
        Assert.Equal((double)value, Read(bytes, (ref MessagePackReader r) => r.ReadDouble()));
        if (value < 0) Assert.Throws<OverflowException>(() => Read(bytes, (ref MessagePackReader r) => r.ReadUInt64()));
        if (value != (int)value) Assert.Throws<OverflowException>(() => Read(bytes, (ref MessagePackReader r) => r.ReadInt32()));
    }

    [Fact]
    public void Other_scalars_are_as_specified()
    {
        Same("C2", (ref MessagePackWriter w) => w.Write(false), (ref MessagePackReader r) => r.ReadBoolean(), false);
        Same("C3", (ref MessagePackWriter w) => w.Write(true), (ref MessagePackReader r) => r.ReadBoolean(), true);
        Same("C0", (ref MessagePackWriter w) => w.WriteNil(), (ref MessagePackReader r) => r.TryReadNil(), true);
        Same("CA3FC00000", (ref MessagePackWriter w) => w.Write(1.5f), (ref MessagePackReader r) => r.ReadSingle(), 1.5f);
        Same("CB3FB999999999999A", (ref MessagePackWriter w) => w.Write(0.1), (ref MessagePackReader r) => r.ReadDouble(), 0.1);
        Same("CFFFFFFFFFFFFFFFFF", (ref MessagePackWriter w) => w.Write(ulong.MaxValue), (ref MessagePackReader r) => r.ReadUInt64(), ulong.MaxValue);
        Same("CE00000001", (ref MessagePackWriter w) => w.WriteUInt32(1), (ref MessagePackReader r) => r.ReadUInt32(), 1u);
        Same("A3C3A961", (ref MessagePackWriter w) => w.Write("éa"), (ref MessagePackReader r) => r.ReadString(), "éa");
        Same("C0", (ref MessagePackWriter w) => w.Write((string?)null), (ref MessagePackReader r) => r.ReadString(), null);
    }

    [Theory]
    [InlineData(0), InlineData(15), InlineData(16), InlineData(31), InlineData(32), InlineData(255), InlineData(256), InlineData(65535), InlineData(65536)]
    public void Lengths_at_every_border_come_back(int length)
    {
        byte[] data = new byte[length];
        new Random(length).NextBytes(data);
        string text = new('x', length);
        byte[] bytes = Write((ref MessagePackWriter w) =>
        {
            w.Write(text);
            w.Write(data);
            w.WriteExtensionFormat(new ExtensionResult(-7, data));
            w.WriteArrayHeader(length);
            for (int i = 0; i < length; i++) w.Write(i);
            w.WriteMapHeader(length);
            for (int i = 0; i < length; i++)
            {
                w.Write(i);
                w.WriteNil();
            }
        });
        var reader = new MessagePackReader(bytes);
        Assert.Equal(text, reader.ReadString());
        Assert.Equal(data, reader.ReadBytes()!.Value.ToArray());
        ExtensionResult extension = reader.ReadExtensionFormat();
        Assert.Equal(-7, extension.TypeCode);
        Assert.Equal(data, extension.Data.ToArray());
        Assert.Equal(length, reader.ReadArrayHeader());
        for (int i = 0; i < length; i++) Assert.Equal(i, reader.ReadInt32());
        Assert.Equal(length, reader.ReadMapHeader());
        for (int i = 0; i < 2 * length; i++) reader.Skip();
        Assert.True(reader.End);

        var skipping = new MessagePackReader(bytes);
        for (int i = 0; i < 5; i++) skipping.Skip();
        Assert.True(skipping.End);
    }

    [Fact]
    public void Bytes_that_end_anywhere_are_an_error_of_one_kind()
    {
        byte[] bytes = Write(EveryKind);
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] cut = bytes[..length];
            Assert.Throws<EndOfStreamException>(() =>
            {
                var reader = new MessagePackReader(cut);
                reader.Skip();
                return reader.Consumed;
            });
        }
    }

    [Theory]
    [InlineData("DDFFFFFFFF"), InlineData("DD7FFFFFFF00"), InlineData("DFFFFFFFFF"), InlineData("DC0005C0C0"), InlineData("83C0C0C0C0"), InlineData("DBFFFFFFFF"),
     InlineData("C6FFFFFFFF00"), InlineData("C9FFFFFFFF01"), InlineData("D801")]
    public void Counts_that_the_rest_cannot_hold_are_refused_before_anything_is_allocated(string bytes)
    {
        Assert.Throws<EndOfStreamException>(() => Read(bytes, (ref MessagePackReader r) => { r.Skip(); return 0; }));
    }

    [Fact]
    public void Deep_nesting_costs_nothing_to_skip_and_a_step_counter_stops_who_goes_down()
    {
        byte[] bomb = [.. Enumerable.Repeat((byte)0x91, 1 << 20), 0xC0];
        var reader = new MessagePackReader(bomb);
        reader.Skip();
        Assert.True(reader.End);
        Assert.Throws<InsufficientExecutionStackException>(() =>
        {
            var down = new MessagePackReader(bomb);
            while (down.NextMessagePackType == MessagePackType.Array)
            {
                MessagePackSecurity.UntrustedData.DepthStep(ref down);
                down.ReadArrayHeader();
            }
        });
    }

    [Fact]
    public void A_value_of_another_kind_is_refused()
    {
        Assert.Throws<MessagePackSerializationException>(() => Read("C3", (ref MessagePackReader r) => r.ReadInt32()));
        Assert.Throws<MessagePackSerializationException>(() => Read("01", (ref MessagePackReader r) => r.ReadString()));
        Assert.Throws<MessagePackSerializationException>(() => Read("A161", (ref MessagePackReader r) => r.ReadArrayHeader()));
        Assert.Throws<MessagePackSerializationException>(() => Read("90", (ref MessagePackReader r) => r.ReadMapHeader()));
        Assert.Throws<MessagePackSerializationException>(() => Read("C1", (ref MessagePackReader r) => { r.Skip(); return 0; }));
        Assert.Throws<MessagePackSerializationException>(() => Read("CB3FB999999999999A", (ref MessagePackReader r) => r.ReadSingle()));
    }

    /// <summary>Python's msgpack (Debian: python3-msgpack), where it is installed: an implementation of other people, in both directions.</summary>
    [Fact]
    public void An_independent_implementation_reads_and_writes_the_same_bytes()
    {
        if (!HasPythonMsgpack()) return;
        byte[] ours = Write(EveryKind);
        const string check = """
            import sys, msgpack
            data = sys.stdin.buffer.read()
            value = msgpack.unpackb(data, strict_map_key=False)
            assert value == [None, True, -40000, 2**63, 1.5, 0.1, "é" * 40, b"\x00\xff" * 200, [1] * 20, {1: "a", "b": []}, msgpack.ExtType(5, b"1234")], value
            sys.stdout.buffer.write(msgpack.packb(value[:4] + [msgpack.unpackb(b"\xca\x3f\xc0\x00\x00")] + value[5:], use_single_float=False))
            """;
        byte[] theirs = Python(check, ours);
        var reader = new MessagePackReader(theirs);
        Assert.Equal(11, reader.ReadArrayHeader());
        Assert.True(reader.TryReadNil());
        Assert.True(reader.ReadBoolean());
        Assert.Equal(-40000, reader.ReadInt32());
        Assert.Equal(1ul << 63, reader.ReadUInt64());
        Assert.Equal(1.5, reader.ReadDouble());
        Assert.Equal(0.1, reader.ReadDouble());
        Assert.Equal(new string('é', 40), reader.ReadString());
        Assert.Equal(400, reader.ReadBytes()!.Value.Length);
        for (int i = 0; i < 3; i++) reader.Skip();
        Assert.True(reader.End);
        // All but the one float that Python widens has the same bytes.
        Assert.Equal(ours.Length + 4, theirs.Length);
    }

    internal static bool HasPythonMsgpack()
    {
        try
        {
            using Process? probe = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", "import msgpack"]) { RedirectStandardError = true });
            probe!.WaitForExit();
            return probe.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    internal static byte[] Python(string script, byte[] input)
    {
        using Process python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        python.StandardInput.BaseStream.Write(input);
        python.StandardInput.Close();
        var output = new MemoryStream();
        python.StandardOutput.BaseStream.CopyTo(output);
        python.WaitForExit();
        Assert.Equal(0, python.ExitCode);
        return output.ToArray();
    }

    private static void EveryKind(ref MessagePackWriter w)
    {
        w.WriteArrayHeader(11);
        w.WriteNil();
        w.Write(true);
        w.Write(-40000);
        w.Write(1ul << 63);
        w.Write(1.5f);
        w.Write(0.1);
        w.Write(new string('é', 40));
        w.Write([.. Enumerable.Repeat<byte[]>([0, 255], 200).SelectMany(b => b)]);
        w.WriteArrayHeader(20);
        for (int i = 0; i < 20; i++) w.Write(1);
        w.WriteMapHeader(2);
        w.Write(1);
        w.Write("a");
        w.WriteString("b"u8);
        w.WriteArrayHeader(0);
        w.WriteExtensionFormat(new ExtensionResult(5, "1234"u8.ToArray()));
    }

    private static void Same<T>(string bytes, Writing write, Reading<T> read, T value)
    {
        Assert.Equal(bytes, Convert.ToHexString(Write(write)));
        Assert.Equal(value, Read(bytes, read));
    }

    private static T Read<T>(string bytes, Reading<T> read)
    {
        var reader = new MessagePackReader(Convert.FromHexString(bytes));
        T value = read(ref reader);
        Assert.True(reader.End);
        return value;
    }

    private static byte[] Write(Writing write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        write(ref writer);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
