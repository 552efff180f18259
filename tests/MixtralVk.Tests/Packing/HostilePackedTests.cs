using System.Buffers;
using System.Buffers.Binary;
using MessagePack;
using MixtralVk.Loading;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Packing;

/// <summary>
/// Packed files that lie, with right checksums where the lie is inside the header: each is refused by a message that names the cause.
/// </summary>
public sealed class HostilePackedTests : IDisposable
{
    private readonly TemporaryFile _file = new(".mvk");
    private readonly byte[] _bytes;
    private readonly PackedHeader _header;

    public HostilePackedTests()
    {
        using TemporaryFile gguf = new SyntheticModel { Layers = 1, Experts = 2, Vocab = 300 }.WriteTemporary();
        using (ModelSource source = ModelSource.Open(gguf.Path)) ModelPacker.Pack(source, _file.Path);
        _bytes = File.ReadAllBytes(_file.Path);
        using var file = PackedFile.Open(_file.Path);
        _header = file.Header;
    }

    public void Dispose() => _file.Dispose();

    [Theory]
    [InlineData(8, 2u, "version 2")]
    [InlineData(8, 0u, "version 0")]
    [InlineData(12, 0u, "damaged header")]
    [InlineData(16, 0x7FFFFFFFu, "more than the file")]
    [InlineData(16, 0u, "more than the file")]
    [InlineData(20, 0x80000000u, "more than the file")]
    [InlineData(24, 0u, "are written in it")]
    [InlineData(28, 0xFFFFFFFFu, "are written in it")]
    [InlineData(64, 0xFFFFFFFFu, "damaged header")]
    public void A_wrong_number_before_or_in_the_header(int offset, uint value, string cause)
    {
        byte[] bytes = [.. _bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), value);
        Refused(bytes, cause);
    }

    [Theory]
    [InlineData(8, "too few")]
    [InlineData(31, "too few")]
    [InlineData(32, "are written in it")]
    [InlineData(5000, "are written in it")]
    public void A_file_cut_off(int length, string cause) => Refused(_bytes[..length], cause);

    [Fact]
    public void A_file_with_more_behind_it() => Refused([.. _bytes, .. new byte[65536]], "are written in it");

    [Fact]
    public void Every_byte_of_the_header_counts()
    {
        var random = new Random(3);
        int headerBytes = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(16));
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = [.. _bytes];
            bytes[random.Next(8, 32 + headerBytes)] ^= (byte)(1 << random.Next(8));
            Refused(bytes, "");
        }
    }

    public static TheoryData<string, string> Lies => new()
    {
        { "overlap", "overlap" }, { "in header", "inside the header" }, { "beyond end", "the file has" },
        { "misaligned", "not a multiple of" },
        { "negative", "bytes at -65536" }, { "far", "the file has" }, { "twice", "appears twice" }, { "missing", "is missing" },
        { "too many", "a model of its sizes has" },
        { "shape", "the model's sizes want" }, { "format", "its format and shape want" }, { "checksums", "checksums" },
        { "float format", "must be F32" },
        { "config", "layers" }, { "heads", "no multiple" }, { "token", "special token" }, { "types", "types" },
        { "layer", "a model of its sizes has" },
    };

    [Theory, MemberData(nameof(Lies))]
    public void A_lie_in_the_header(string lie, string cause)
    {
        PackedTensor[] tensors = [.. _header.Tensors];
        int tiled = Array.FindIndex(tensors, t => t.Key.Role == TensorRole.Query), last = tensors.Length - 1;
        PackedTensor query = tensors[tiled];
        PackedHeader lying = lie switch
        {
            "overlap" => With(tiled, query with { Offset = tensors[tiled + 1].Offset }),
            "in header" => With(0, tensors[0] with { Offset = 256 }),
            "beyond end" => With(last, tensors[last] with { Offset = tensors[last].Offset + 65536 }),
            "far" => With(last, tensors[last] with { Offset = long.MaxValue / 65536 * 65536 }),
            "misaligned" => With(tiled, query with { Offset = query.Offset + 4096 }),
            "negative" => With(tiled, query with { Offset = -65536 }),
            "twice" => _header with { Tensors = [.. tensors, query] },
            "missing" => _header with { Tensors = [.. tensors.Where(t => t != query)] },
            "too many" => _header with { Tensors = [.. tensors, query with { Key = new TensorKey(TensorRole.Query, 77) }] },
            "layer" => With(tiled + 1, tensors[tiled
                + 1] with { Key = tensors[tiled + 1].Key with { Expert = 9 } }) with { Tensors = [.. tensors,
                tensors[tiled + 1] with { Key = tensors[tiled + 1].Key with { Expert = 9 } }] },
            "shape" => With(tiled, new PackedTensor(query.Key, query.Layout with { Rows = query.Layout.Rows + 1 },
                query.Offset) { Checksums = query.Checksums }),
            "format" => With(tiled, query with { Layout = query.Layout with { Format = WeightFormat.F16 } }), // the bytes stay those of F32
            "float format" => With(0, new PackedTensor(tensors[0].Key, tensors[0].Layout with { Format = WeightFormat.Q8_0 },
                tensors[0].Offset) { Checksums = tensors[0].Checksums }),
            "checksums" => With(tiled, query with { Checksums = [1, 2, 3] }),
            "config" => _header with { Config = _header.Config with { LayerCount = int.MaxValue } },
            "heads" => _header with { Config = _header.Config with { HeadCount = 3 } },
            "token" => _header with { Vocabulary = _header.Vocabulary with { Bos = 300 } },
            "types" => _header with { Vocabulary = _header.Vocabulary with { Types = [] } },
            _ => throw new ArgumentOutOfRangeException(nameof(lie)),
        };
        Refused(WithHeader(lying), cause);

        PackedHeader With(int index, PackedTensor tensor) =>
            _header with { Tensors = [.. tensors.Select((t, i) => i == index ? tensor : t)] };
    }

    [Theory]
    [InlineData("91", 200)]     // a million arrays inside each other do not fit here; two hundred do
    [InlineData("DDFFFFFFFF", 1)]
    [InlineData("85", 1)]
    [InlineData("81A6636F6E666967DFFFFFFFFF", 1)]
    [InlineData("81A474656E73", 1)]
    [InlineData("81A178C1", 1)]
    [InlineData("81A1FFC0", 1)]
    [InlineData("80", 1)]
    [InlineData("81AA6D6F64656C5F68617368C6FFFFFFFF", 1)]    // lengths above 2^31
    [InlineData("81A178DBFFFFFFFF", 1)]
    [InlineData("81A178DDFFFFFFFF", 1)]
    [InlineData("81DBFFFFFFFF", 1)]
    public void A_header_that_is_not_messagepack_or_not_ours(string hex, int times)
    {
        byte[] header = [.. Enumerable.Repeat(Convert.FromHexString(hex), times).SelectMany(b => b)];
        byte[] bytes = [.. _bytes];
        header.CopyTo(bytes, 32);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), header.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16, 16 + header.Length)));
        Refused(bytes, "");
    }

    /// <summary>What comes after the tensors was not checked against them: buffers of these sizes would be too small for them.</summary>
    [Theory]
    [InlineData("config")]
    [InlineData("tokenizer")]
    [InlineData("model_hash")]
    public void A_part_of_the_header_that_comes_a_second_time(string key)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.Write(key);
        if (key == "config") PackedConfig.Write(ref writer, _header.Config with { Dim = 32, LayerCount = 9 });
        else if (key == "tokenizer") PackedVocabulary.Write(ref writer, _header.Vocabulary);
        else writer.Write(_header.ModelHash);
        writer.Flush();
        int length = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(16)) + buffer.WrittenCount;
        byte[] bytes = [.. _bytes];
        bytes[32]++; // a map of one more
        buffer.WrittenSpan.CopyTo(bytes.AsSpan(32 + length - buffer.WrittenCount));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16, 16 + length)));
        Refused(bytes, $"has '{key}' twice");
    }

    [Fact]
    public void A_depth_bomb_in_a_key_nobody_knows_is_passed_without_harm()
    {
        byte[] header = [0x81, 0xA1, (byte)'x', .. Enumerable.Repeat((byte)0x91, 1 << 20), 0xC0];
        byte[] bytes = [.. _bytes[..32], .. header];
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16)));
        Refused(bytes, "no model hash");
    }

    [Fact]
    public void A_vocabulary_beyond_any_model_is_refused_before_memory_is_taken()
    {
        const int count = 20_000_000;
        byte[] begin = Convert.FromHexString("81A9746F6B656E697A657281A6746F6B656E73DD"), bytes = new byte[32 + begin.Length + 4 + count];
        _bytes.AsSpan(0, 32).CopyTo(bytes);
        begin.CopyTo(bytes, 32);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(32 + begin.Length), count);
        bytes.AsSpan(32 + begin.Length + 4).Fill(0xA0); // an empty text
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), bytes.Length - 32);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16)));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(bytes, $"{count} tokens, more than");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 * bytes.Length);
    }

    [Fact]
    public void A_writer_in_the_way_is_refused_and_kept_out_while_the_model_is_open()
    {
        using (FileStream writer = new(_file.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            Assert.Throws<ModelFileException>(() => PackedModelSource.Open(_file.Path));
        MappedTiles mapped;
        using (ModelSource source = ModelSource.Open(_file.Path)) mapped = source.Map();
        using (mapped) Assert.Throws<IOException>(() => new FileStream(_file.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None));
        new FileStream(_file.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
    }

    [Fact]
    public void A_file_that_shrinks_while_it_is_read_is_a_typed_error()
    {
        if (OperatingSystem.IsWindows()) return; // the system keeps an open file from shrinking
        using ModelSource source = PackedModelSource.Open(_file.Path);
        RowTileLayout layout = source.Layout(MatrixRole.Output);
        Assert.Equal(0, Truncate(_file.Path, 40000));
        var error = Assert.Throws<ModelFileException>(() =>
            source.CopyTiles(MatrixRole.Output, 0, 0, 0, layout.Tiles, new byte[layout.Bytes]));
        Assert.Contains("ends at", error.Message, StringComparison.Ordinal);
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "truncate", BestFitMapping = false)]
    private static extern int Truncate([System.Runtime.InteropServices.MarshalAs(System.Runtime.InteropServices.UnmanagedType.LPStr)] string path, long length);

    /// <summary>The file with another header, as long as the data allows; its length and checksum are right.</summary>
    private byte[] WithHeader(PackedHeader header)
    {
        byte[] begin = header.ToBytes(), bytes = [.. _bytes];
        if (begin.Length > bytes.Length) Array.Resize(ref bytes, begin.Length);
        begin.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16, begin.Length - 16)));
        return bytes;
    }

    private static void Refused(byte[] bytes, string cause)
    {
        using TemporaryFile file = TemporaryFile.With(bytes);
        var error = Assert.Throws<ModelFileException>(() => PackedModelSource.Open(file.Path).Dispose());
        Assert.Contains(file.Path, error.Message, StringComparison.Ordinal);
        Assert.Contains(cause, error.Message, StringComparison.Ordinal);
    }
}
