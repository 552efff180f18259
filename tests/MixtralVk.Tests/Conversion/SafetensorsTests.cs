using System.Buffers.Binary;
using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Testing.Checkpoints;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Conversion;

/// <summary>The safetensors reader: what it reads, and what it refuses.</summary>
public sealed class SafetensorsTests
{
    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Values_are_exact(string type)
    {
        // Eight bits of mantissa: every one of the three types holds these exactly.
        float[] values = [0, 1, -1, 0.5f, 255, -0.0078125f, 1.9921875f, float.NegativeInfinity];
        using var file =
            TemporaryFile.With(new SafetensorsWriter().AddFloats("a", "F32", [2], [3, 4]).AddFloats("b", type, [2, 4], values).ToBytes());
        using SafetensorsFile opened = SafetensorsFile.Open(file.Path);
        float[] read = new float[5];
        opened.Read(opened.Tensors["b"], 3, read, new byte[20]);
        Assert.Equal(values[3..], read);
        Assert.Equal([2, 4], opened.Tensors["b"].Shape);
        Assert.Equal(2, opened.Tensors.Count);
    }

    [Fact]
    public void A_read_past_the_tensor_is_refused()
    {
        using var file =
            TemporaryFile.With(new SafetensorsWriter().AddFloats("a", "F32", [2], [3, 4]).AddFloats("b", "F32", [2], [5, 6]).ToBytes());
        using SafetensorsFile opened = SafetensorsFile.Open(file.Path);
        Assert.Throws<ArgumentOutOfRangeException>(() => opened.Read(opened.Tensors["a"], 1, new float[2], new byte[8]));
    }

    [Fact]
    public void A_type_that_is_no_float_is_refused_when_it_is_read()
    {
        using var file = TemporaryFile.With(new SafetensorsWriter().Add("a", "I64", [1], new byte[8]).ToBytes());
        using SafetensorsFile opened = SafetensorsFile.Open(file.Path);
        ModelFileException e = Assert.Throws<ModelFileException>(() => opened.Read(opened.Tensors["a"], 0, new float[1], new byte[8]));
        Assert.Contains("'a'", e.Message);
        Assert.Contains("I64", e.Message);
    }

    public static TheoryData<string, string> BadHeaders => new()
    {
        { "", "not valid JSON" },
        { "[]", "safetensors form" },
        { "{", "not valid JSON" },
        { "{} {}", "not valid JSON" },
        { """{"a":1}""", "'a'" },
        { """{"a":{"dtype":"F32","shape":[2]}}""", "lacks" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "lacks" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", "data_offsets" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}}""", "does not know" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "truncated or damaged" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "data_offsets" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}""", "truncated or damaged" },
        { """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "needs 12" },
        { """{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", "needs" },
        { """{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,8]}}""", "needs" },
        { """{"a":{"dtype":"F32","shape":[1e1],"data_offsets":[0,8]}}""", "shape" },
        { """{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", "at most 8" },
        { """{"a":{"dtype":"F32","shape":[[[[[[2]]]]]],"data_offsets":[0,8]}}""", "shape" },
        { """{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", "unknown dtype" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "twice" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "overlap" },
        { """{"__metadata__":""" + new string('[', 100), "not valid JSON" },
        { """{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "not valid JSON" },
    };

    [Theory, MemberData(nameof(BadHeaders))]
    public void A_bad_header_is_refused_with_its_reason(string header, string reason) =>
        AssertRefused(SafetensorsWriter.File(header, new byte[16]), reason);

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(20)]
    public void A_truncated_file_is_refused(int length)
    {
        byte[] whole = new SafetensorsWriter().AddFloats("a", "F32", [2], [3, 4]).ToBytes();
        AssertRefused(whole[..length], length < 8 ? "ends inside" : "truncated");
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(100_000_001ul)]
    [InlineData(1000ul)]
    public void A_header_longer_than_the_file_takes_no_memory(ulong length)
    {
        byte[] file = new SafetensorsWriter().AddFloats("a", "F32", [2], [3, 4]).ToBytes();
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        using var temporary = TemporaryFile.With(file);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ModelFileException>(() => SafetensorsFile.Open(temporary.Path));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Every_changed_byte_of_a_header_is_read_or_refused()
    {
        byte[] whole = new SafetensorsWriter().AddFloats("ab", "F32", [2], [3, 4]).AddFloats("c", "BF16", [1, 2], [5, 6]).ToBytes();
        int refused = 0;
        for (int at = 0; at < whole.Length - 12; at++)
        {
            foreach (byte flip in (byte[])[1, 2, 16, 0x80])
            {
                byte[] changed = [.. whole];
                changed[at] ^= flip;
                using var file = TemporaryFile.With(changed);
                try
                {
                    using SafetensorsFile opened = SafetensorsFile.Open(file.Path);
                    foreach (SafetensorsTensor tensor in opened.Tensors.Values)
                        Assert.InRange(tensor.Offset + tensor.Bytes, 0, changed.Length);
                }
                catch (ModelFileException)
                {
                    refused++;
                }
            }
        }
        Assert.True(refused > whole.Length, $"{refused} refused");
    }

    [Fact]
    public void What_is_not_there_or_no_file_is_refused()
    {
        Assert.Contains("does not exist",
            Assert.Throws<ModelFileException>(() => SafetensorsFile.Open(Path.Combine(Path.GetTempPath(), "no", "file"))).Message);
        Assert.Contains("directory", Assert.Throws<ModelFileException>(() => SafetensorsFile.Open(Path.GetTempPath())).Message);
    }

    private static void AssertRefused(byte[] content, string reason)
    {
        using var file = TemporaryFile.With(content);
        ModelFileException e = Assert.Throws<ModelFileException>(() => SafetensorsFile.Open(file.Path));
        Assert.Equal(file.Path, e.Path);
        Assert.Contains(reason, e.Message);
    }
}
