using System.Buffers.Binary;
using MixtralVk.Loading;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Loading;

/// <summary>Files that lie about themselves: each is refused by a message that names the file, the field and the cause.</summary>
public sealed class HostileGgufTests
{
    [Fact]
    public void MissingFile() => Refused(Path.Combine(Path.GetTempPath(), "no-such-folder", "no.gguf"), "does not exist");

    [Fact]
    public void Folder() => Refused(Path.GetTempPath(), "is a directory");

    [Fact]
    public void EmptyFile() => Refused([], "is empty");

    [Fact]
    public void FileInUseByAWriter()
    {
        using TemporaryFile file = new SyntheticModel().WriteTemporary();
        using FileStream writer = new(file.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Refused(file.Path, "cannot be opened");
    }

    [Fact]
    public void FileWithoutPermission()
    {
        if (OperatingSystem.IsWindows()) return;
        using TemporaryFile file = new SyntheticModel { Layers = 1 }.WriteTemporary();
        File.SetUnixFileMode(file.Path, UnixFileMode.None);
        if (Environment.IsPrivilegedProcess) GgufFile.Open(file.Path).Dispose();   // permissions do not bind root
        else Refused(file.Path, "no permission");
    }

    [Theory]
    [InlineData(0, 0x46554746u, "not a GGUF file")]
    [InlineData(4, 1u, "version 1")]
    [InlineData(4, 4u, "version 4")]
    [InlineData(4, 0x03000000u, "big-endian")]
    [InlineData(8, 0x01000000u, "tensor count")]
    [InlineData(12, 0x80000000u, "tensor count")]
    [InlineData(16, 0x01000000u, "metadata count")]
    [InlineData(20, 0xFFFFFFFFu, "metadata count")]
    [InlineData(24, 0x00FFFFFFu, "key of metadata value 0")]
    [InlineData(28, 0xFFFFFFFFu, "key of metadata value 0")]
    public void WrongNumberInTheHeader(int offset, uint value, string cause)
    {
        byte[] bytes = new SyntheticModel { Layers = 1 }.ToWriter().ToBytes();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), value);
        Refused(bytes, cause);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(23)]
    [InlineData(30)]
    public void ShortFile(int length) =>
        Refused(new SyntheticModel { Layers = 1 }.ToWriter().ToBytes()[..length], length < 23 ? "ends inside" : "count");

    public static TheoryData<string, Func<GgufWriter>> LyingMetadata => new()
    {
        { "appears twice", () => new GgufWriter().Add("key", 1u).Add("key", 2u) },
        { "unknown type 13", () => new GgufWriter().Add("key", (GgufValueType)13, w => w.Write(0L)) },
        { "not true or false", () => new GgufWriter().Add("key", GgufValueType.Bool, w => w.Write((byte)2)) },
        { "array of arrays", () => Array(GgufValueType.Array, 1) },
        { "more than the rest of the file", () => Array(GgufValueType.UInt8, ulong.MaxValue) },
        { "more than the rest of the file", () => Array(GgufValueType.Float64, 1UL << 61) },
        { "more than the rest of the file", () => Array(GgufValueType.String, 1UL << 40) },
        { "unknown type 99", () => Array((GgufValueType)99, 1) },
        { "not valid UTF-8", () =>
            new GgufWriter().Add("key", GgufValueType.String, w => { w.Write(2UL); w.Write("\xC3\x28"u8[..1]); w.Write((byte)0xFF); }) },
        { "ends inside", () => new GgufWriter().Add("key", GgufValueType.String, w => w.Write(1UL << 62)) },
        { "general.alignment is 3", () => new GgufWriter().Add("general.alignment", 3u) },
        { "general.alignment is 0", () => new GgufWriter().Add("general.alignment", 0u) },
        { "general.alignment is 1073741824", () => new GgufWriter().Add("general.alignment", 1u << 30) },
        { "general.alignment is x", () => new GgufWriter().Add("general.alignment", "x") },
    };

    [Theory]
    [MemberData(nameof(LyingMetadata))]
    public void LyingMetadataIsRefused(string cause, Func<GgufWriter> file) => Refused(file().ToBytes(), cause);

    public static TheoryData<string, GgmlType, long[], ulong> LyingTensors => new()
    {
        { "0 dimensions", GgmlType.F32, [], 0 },
        { "5 dimensions", GgmlType.F32, [1, 1, 1, 1, 1], 0 },
        { "dimension of 0", GgmlType.F32, [4, 0], 0 },
        { "dimension of 18446744073709551615", GgmlType.F32, [4, -1], 0 },
        { "overflows", GgmlType.F32, [1L << 32, 1L << 32], 0 },
        { "overflows", GgmlType.F32, [1L << 62], 0 },
        { "overflows", GgmlType.F32, [long.MaxValue, long.MaxValue, long.MaxValue, long.MaxValue], 0 },
        { "unknown type 31", (GgmlType)31, [32], 0 },
        { "unknown type 4294967295", (GgmlType)(-1), [32], 0 },
        { "not a multiple of 256", GgmlType.Q4_K, [128], 0 },
        { "not a multiple of 32", GgmlType.F32, [4], 4 },
        { "truncated", GgmlType.F32, [40], 0 },
        { "truncated", GgmlType.F32, [4], 64 },
        { "truncated", GgmlType.F32, [4], ulong.MaxValue - 31 },
        { "truncated", GgmlType.F32, [1L << 60], 0 },
    };

    [Theory]
    [MemberData(nameof(LyingTensors))]
    public void LyingTensorIsRefused(string cause, GgmlType type, long[] dimensions, ulong offset)
    {
        string message = Refused(new GgufWriter().AddTensor("culprit", type, dimensions, new byte[32], offset).ToBytes(), cause);
        Assert.Contains("'culprit'", message);
    }

    [Fact]
    public void OverlappingTensorsAreRefused() =>
        Refused(new GgufWriter().AddTensor("first", GgmlType.F32, [9], new byte[64])
            .AddTensor("second", GgmlType.F32, [4], [], 32).ToBytes(),
            "'first' and 'second' overlap");

    [Fact]
    public void TwoTensorsOfOneNameAreRefused() =>
        Refused(new GgufWriter().AddTensor("same", GgmlType.F32, [8], new byte[32])
            .AddTensor("same", GgmlType.F32, [8], new byte[32]).ToBytes(),
            "appears twice");

    [Fact]
    public void NamesInMessagesCarryNoControlCharacters()
    {
        string message = Refused(new GgufWriter().AddTensor("\u001b[2J\r\n", GgmlType.F32, [40], new byte[32]).ToBytes(), "truncated");
        Assert.DoesNotContain(message, char.IsControl);
    }

    private static GgufWriter Array(GgufValueType elementType, ulong count) => new GgufWriter().Add("key", GgufValueType.Array, w =>
    {
        w.Write((uint)elementType);
        w.Write(count);
        w.Write(0L);
    });

    private static string Refused(byte[] bytes, string cause)
    {
        using TemporaryFile file = TemporaryFile.With(bytes);
        return Refused(file.Path, cause);
    }

    private static string Refused(string path, string cause)
    {
        var refusal = Assert.Throws<ModelFileException>(() => GgufFile.Open(path).Dispose());
        Assert.Equal(path, refusal.Path);
        Assert.StartsWith(path, refusal.Message);
        Assert.Contains(cause, refusal.Message);
        return refusal.Message;
    }
}
