using System.Runtime.InteropServices;
using MixtralVk.Loading;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Loading;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData(2u, 32)]
    [InlineData(3u, 32)]
    [InlineData(3u, 1)]
    [InlineData(3u, 256)]
    public void MetadataAndTensorsAreTheFiles(uint version, int alignment)
    {
        byte[] small = [1, 2, 3, 4, 5, 6, 7, 8], blocks = [.. Enumerable.Range(0, 2 * 2 * 34).Select(i => (byte)i)];
        var writer = new GgufWriter { Version = version, Alignment = alignment }
            .Add("u32", uint.MaxValue).Add("i32", -5).Add("u64", ulong.MaxValue).Add("f32", 0.5f).Add("yes", true).Add("text", "日本 é")
            .Add("u8", GgufValueType.UInt8, w => w.Write((byte)200)).Add("i8", GgufValueType.Int8, w => w.Write((sbyte)-100))
            .Add("u16", GgufValueType.UInt16, w => w.Write((ushort)60000)).Add("i16", GgufValueType.Int16, w => w.Write((short)-30000))
            .Add("i64", GgufValueType.Int64, w => w.Write(long.MinValue)).Add("f64", GgufValueType.Float64, w => w.Write(1e300))
            .Add("strings", ["a", "", "ü"]).Add("floats", [1f, float.NegativeInfinity]).Add("ints", [3, -4])
            .Add("none", Array.Empty<string>())
            .AddTensor("small", GgmlType.F16, [4], small).AddTensor("blocks", GgmlType.Q8_0, [32, 2, 2], blocks);
        using TemporaryFile temporary = TemporaryFile.With(writer.ToBytes());
        using GgufFile file = GgufFile.Open(temporary.Path);

        Assert.Equal((int)version, file.Version);
        Assert.Equal([uint.MaxValue, -5, 200, -100, 60000, -30000, long.MinValue],
            new[] { "u32", "i32", "u8", "i8", "u16", "i16", "i64" }.Select(k => file.Integer(k)!.Value));
        Assert.Equal((0.5, 1e300, true, "日本 é"), (file.Number("f32"), file.Number("f64"), file.Flag("yes"), file.Text("text")));
        Assert.Equal(["a", "", "ü"], file.Strings("strings")!);
        Assert.Equal([1f, float.NegativeInfinity], file.Floats("floats")!);
        Assert.Equal([3, -4], file.Integers("ints")!);
        Assert.Empty(file.Strings("none")!);
        Assert.Null(file.Integer("absent"));
        Assert.Null(file.Strings("absent"));

        Assert.Equal([4L], file.Tensors["small"].Dimensions);
        Assert.Equal(small, file.Rows(file.Tensors["small"], 0, 1).ToArray());
        GgufTensor tensor = file.Tensors["blocks"];
        Assert.Equal((4, 34, 136), (tensor.RowCount, tensor.RowBytes, tensor.Bytes));
        Assert.Equal(0, tensor.Offset % alignment);
        Assert.Equal(blocks[34..102], file.Rows(tensor, 1, 2).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Rows(tensor, 3, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Rows(tensor, -1, 1).Length);
    }

    [Theory]
    [InlineData("text", "an integer")]
    [InlineData("strings", "an integer")]
    [InlineData("u64", "an integer")]
    public void WrongTypeNamesKeyAndType(string key, string wanted)
    {
        var writer = new GgufWriter().Add("text", "x").Add("strings", ["a"]).Add("u64", ulong.MaxValue);
        using TemporaryFile temporary = TemporaryFile.With(writer.ToBytes());
        using GgufFile file = GgufFile.Open(temporary.Path);
        string message = Assert.Throws<ModelFileException>(() => file.Integer(key)).Message;
        Assert.Contains($"'{key}'", message);
        Assert.Contains(wanted, message);
        Assert.Throws<ModelFileException>(() => file.Floats(key));
    }

    [Fact]
    public void TensorBeyondTwoGibibytesIsRead()
    {
        const long rows = 600_000_000;
        using var temporary = new TemporaryFile();
        new GgufWriter().AddTensor("large", GgmlType.F32, [1, rows], []).Save(temporary.Path);
        long start = new FileInfo(temporary.Path).Length;
        using (FileStream stream = File.OpenWrite(temporary.Path))
        {
            stream.Position = start + (rows - 1) * sizeof(float);
            stream.Write(BitConverter.GetBytes(42f));
        }
        using GgufFile file = GgufFile.Open(temporary.Path);
        Assert.Equal([0f, 42f], MemoryMarshal.Cast<byte, float>(file.Rows(file.Tensors["large"], rows - 2, 2)).ToArray());
    }

    [Fact]
    public void FileIsHeldAgainstWritingUntilDisposed()
    {
        using TemporaryFile temporary = new SyntheticModel { Layers = 1 }.WriteTemporary();
        GgufFile file = GgufFile.Open(temporary.Path);
        Assert.Throws<IOException>(() => new FileStream(temporary.Path, FileMode.Open, FileAccess.Write, FileShare.None));
        using (GgufFile second = GgufFile.Open(temporary.Path)) Assert.Equal(file.Length, second.Length);
        GgufTensor tensor = file.Tensors["output_norm.weight"];
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Rows(tensor, 0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => file.Text("general.name"));
        using FileStream writable = new(temporary.Path, FileMode.Open, FileAccess.Write, FileShare.None);
        Assert.True(writable.CanWrite);
    }

    [Fact]
    public void RefusedFileIsNotHeld()
    {
        using TemporaryFile temporary = TemporaryFile.With("GGUF but not really"u8);
        Assert.Throws<ModelFileException>(() => GgufFile.Open(temporary.Path));
        using FileStream writable = new(temporary.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.True(writable.CanWrite);
    }
}
