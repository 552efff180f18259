using System.Diagnostics;
using System.Reflection;
using MixtralVk.Cpu;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Packing;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Packing;

/// <summary>A packed model is the model it was made from, bit for bit, read or used in place.</summary>
public sealed class PackedModelTests
{
    private static readonly SyntheticModel _mixed = new()
    {
        Dim = 256, Hidden = 512, Vocab = 333, Weights = WeightFormat.Q4_0, AttentionFormat = WeightFormat.Q4_K,
        DownFormat = WeightFormat.Q6_K,
        OutputFormat = WeightFormat.Q8_0, EmbeddingFormat = WeightFormat.F16,
    };

    public static TheoryData<string, SyntheticModel> Models => new()
    {
        { "mixed formats", _mixed },
        { "odd sizes", new SyntheticModel { Dim = 52, Heads = 2, KvHeads = 1, HeadDim = 26, Hidden = 72, Experts = 3,
            TopK = 3, Vocab = 301 } },
        { "dense, tied",
            new SyntheticModel { Experts = 0, TiedOutput = true, Layers = 1, Weights = WeightFormat.Q5_K, Dim = 256, Hidden = 256 } },
    };

    [Theory, MemberData(nameof(Models))]
    public void Everything_comes_back(string name, SyntheticModel model)
    {
        Assert.NotEmpty(name);
        using TemporaryFile gguf = model.WriteTemporary(), packed = new(".mvk");
        using ModelSource from = ModelSource.Open(gguf.Path);
        ModelPacker.Pack(from, packed.Path);
        using ModelSource to = ModelSource.Open(packed.Path);
        Assert.True(to.CanMap && !from.CanMap);
        AssertSameModel(from, to);

        using MappedTiles mapped = to.Map();
        to.Dispose(); // the mapping lives on its own
        foreach (TensorKey key in TensorKey.AllOf(from.Config, from.OutputIsEmbedding).Where(key => key.IsTiled))
        {
            byte[] tiles = Tiles(from, key);
            unsafe
            {
                byte* first = mapped.Of(key.MatrixRole, key.Layer, key.Expert);
                Assert.Equal(0, (nint)first % 4096);
                Assert.True(new ReadOnlySpan<byte>(first, tiles.Length).SequenceEqual(tiles), key.ToString());
                long room = mapped.RoomOf(key.MatrixRole, key.Layer, key.Expert);
                Assert.Equal(0, room % 65536);
                Assert.False(new ReadOnlySpan<byte>(first + tiles.Length, (int)(room - tiles.Length)).ContainsAnyExcept((byte)0));
            }
        }
    }

    [Fact]
    public void The_same_logits_read_mapped_and_from_gguf()
    {
        using TemporaryFile gguf = _mixed.WriteTemporary(), packed = new(".mvk");
        Pack(gguf.Path, packed.Path);
        int[] tokens = TestDevices.RandomTokens(40, _mixed.Vocab);
        float[] expected = Logits(gguf.Path, map: false, tokens);
        Assert.Equal(expected, Logits(packed.Path, map: false, tokens));
        Assert.Equal(expected, Logits(packed.Path, map: true, tokens));
    }

    [Fact]
    public void Weights_used_in_place_take_no_memory_of_their_own()
    {
        using TemporaryFile gguf = _mixed.WriteTemporary(), packed = new(".mvk");
        Pack(gguf.Path, packed.Path);
        using ModelSource source = ModelSource.Open(packed.Path);
        using var read = new CpuWeights(source, null, 2, null, default);
        using var inPlace = new CpuWeights(source, source.Map(), 2, null, default);
        Assert.Equal(0, read.Transfer.InPlaceBytes);
        Assert.Equal(source.Describe().WeightBytes, read.Transfer.CopiedBytes, tolerance: 64 << 10);
        Assert.InRange(inPlace.Transfer.CopiedBytes, 1, 256 << 10);
        Assert.Equal(source.Describe().TileBytes, inPlace.Transfer.InPlaceBytes);
    }

    [Fact]
    public void Packing_twice_gives_the_same_bytes_and_packing_a_packed_model_too()
    {
        using TemporaryFile gguf = _mixed.WriteTemporary(), first = new(".mvk"), second = new(".mvk"), third = new(".mvk");
        Pack(gguf.Path, first.Path);
        Pack(gguf.Path, second.Path);
        Pack(first.Path, third.Path);
        Assert.Equal(File.ReadAllBytes(first.Path), File.ReadAllBytes(second.Path));
        Assert.Equal(File.ReadAllBytes(first.Path), File.ReadAllBytes(third.Path));
    }

    [Fact]
    public void Every_size_of_a_model_is_in_the_header()
    {
        ModelConfig config = Distinct(out int properties);
        Assert.True(properties >= 16);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new MessagePack.MessagePackWriter(buffer);
        PackedConfig.Write(ref writer, config);
        writer.Flush();
        var reader = new MessagePack.MessagePackReader(buffer.WrittenMemory);
        ModelConfig read = PackedConfig.Read(ref reader, "test") with { VocabSize = config.VocabSize };
        Assert.Equal(config.RopeFactors, read.RopeFactors);
        Assert.Equal(config, read with { RopeFactors = config.RopeFactors });
    }

    [Fact]
    public void Verify_finds_every_kind_of_damage()
    {
        using TemporaryFile gguf = _mixed.WriteTemporary(), packed = new(".mvk");
        Pack(gguf.Path, packed.Path);
        PackedTensor[] tensors;
        using (var file = PackedFile.Open(packed.Path)) tensors = [.. file.Header.Tensors];
        VerifyResult whole = ModelVerifier.Verify(packed.Path);
        Assert.True(whole is { HasChecksums: true, Damaged.Count: 0, ModelHash.Length: 64 });
        Assert.Equal(tensors.Sum(t => t.Bytes), whole.CheckedBytes);

        PackedTensor[] hit = [tensors[0], tensors[^1], tensors[tensors.Length / 2]];
        foreach (PackedTensor tensor in hit) FlipBit(packed.Path, tensor.Offset + tensor.Bytes - 1);
        IReadOnlyList<DamagedBlock> damaged = ModelVerifier.Verify(packed.Path).Damaged;
        Assert.Equal(hit.Select(t => t.Key.ToString()).Order(), damaged.Select(d => d.What).Order());
        Assert.All(damaged, d => Assert.Contains(hit, t => d.Offset >= t.Offset && d.Offset + d.Bytes == t.Offset + t.Bytes));
    }

    [Fact]
    public void A_device_is_no_place_for_a_packed_model()
    {
        if (OperatingSystem.IsWindows()) return; // it has none among its files
        using TemporaryFile gguf = new SyntheticModel().WriteTemporary();
        Assert.Contains(
            "is a device", Assert.Throws<IOException>(() => Pack(gguf.Path, "/dev/mixtralvk-test")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_in_memory_are_a_place_for_one()
    {
        if (!Directory.Exists("/dev/shm")) return; // elsewhere than on Linux
        using TemporaryFile gguf = new SyntheticModel().WriteTemporary();
        string path = $"/dev/shm/{Path.GetRandomFileName()}";
        Pack(gguf.Path, path);
        Assert.True(ModelVerifier.Verify(path).HasChecksums);
        File.Delete(path);
    }

    [Fact]
    public void Verify_of_a_gguf_checks_the_structure_and_says_so()
    {
        using TemporaryFile gguf = new SyntheticModel().WriteTemporary();
        Assert.False(ModelVerifier.Verify(gguf.Path).HasChecksums);
        File.WriteAllBytes(gguf.Path, File.ReadAllBytes(gguf.Path)[..^1000]);
        Assert.Throws<ModelFileException>(() => ModelVerifier.Verify(gguf.Path));
    }

    [Fact]
    public void Checksums_are_the_standard_ones()
    {
        Assert.Equal(0xE3069283u, PackedFormat.Checksum("123456789"u8)); // the check value of CRC-32C
        byte[] bytes = new byte[1000];
        new Random(1).NextBytes(bytes);
        Assert.Equal(PackedFormat.Checksum(bytes), PackedFormat.Checksum(bytes.AsSpan(123), PackedFormat.Checksum(bytes.AsSpan(0, 123))));
    }

    [Fact]
    public void Any_messagepack_library_reads_the_header()
    {
        if (!HasPythonMsgpack()) return;   // Debian: python3-msgpack
        using TemporaryFile gguf = _mixed.WriteTemporary(), packed = new(".mvk");
        Pack(gguf.Path, packed.Path);
        const string script = """
            import sys, struct, msgpack
            data = sys.stdin.buffer.read()
            assert data[:8] == b"\x89MVK\r\n\x1a\n"
            version, checksum, length, size = struct.unpack("<IIQQ", data[8:32])
            header = msgpack.unpackb(data[32:32 + length])
            assert size == len(data) and version == header["version"] == 1
            assert header["config"]["layer_count"] == 2 and len(header["tokenizer"]["tokens"]) == 333
            assert all(t["offset"] + t["bytes"] <= size for t in header["tensors"])
            sys.stdout.buffer.write(msgpack.packb(header))
            """;
        byte[] theirs = Python(script, File.ReadAllBytes(packed.Path));
        var reader = new MessagePack.MessagePackReader(theirs);
        Assert.Equal(5, reader.ReadMapHeader());
        while (reader.ReadString() != "tensors") reader.Skip();
        using var file = PackedFile.Open(packed.Path);
        Assert.Equal(file.Header.Tensors.Count, reader.ReadArrayHeader());
    }

    private static bool HasPythonMsgpack()
    {
        try
        {
            using Process? probe =
                Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", "import msgpack"]) { RedirectStandardError = true });
            probe!.WaitForExit();
            return probe.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static byte[] Python(string script, byte[] input)
    {
        using Process python = Process.Start(
            new ProcessStartInfo("/usr/bin/python3", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        python.StandardInput.BaseStream.Write(input);
        python.StandardInput.Close();
        var output = new MemoryStream();
        python.StandardOutput.BaseStream.CopyTo(output);
        python.WaitForExit();
        Assert.Equal(0, python.ExitCode);
        return output.ToArray();
    }

    private static void AssertSameModel(ModelSource from, ModelSource to)
    {
        Assert.Equal(from.Config with { RopeFactors = [] },
            to.Config with { RopeFactors = [] } with { RopeFactors = (from.Config with { RopeFactors = [] }).RopeFactors });
        Assert.Equal(from.Config.RopeFactors, to.Config.RopeFactors);
        Assert.Equal(from.OutputIsEmbedding, to.OutputIsEmbedding);
        Assert.Equal(from.Vocabulary.Tokens, to.Vocabulary.Tokens);
        Assert.Equal(from.Vocabulary.Scores, to.Vocabulary.Scores);
        Assert.Equal(from.Vocabulary.Types, to.Vocabulary.Types);
        Assert.Equal(from.Vocabulary with { Tokens = [], Scores = [], Types = [] },
            to.Vocabulary with { Tokens = [], Scores = [], Types = [] });
        foreach (TensorKey key in TensorKey.AllOf(from.Config, from.OutputIsEmbedding))
        {
            if (key.IsTiled) Assert.Equal(Tiles(from, key), Tiles(to, key));
            else if (key.Role == TensorRole.Router) Assert.Equal(from.Router(key.Layer), to.Router(key.Layer));
        }
        for (int layer = 0; layer < from.Config.LayerCount; layer++)
            foreach (NormRole role in Enum.GetValues<NormRole>()) Assert.Equal(from.Norm(role, layer), to.Norm(role, layer));
        Assert.Equal(from.Describe().BytesPerToken, to.Describe().BytesPerToken);
    }

    private static byte[] Tiles(ModelSource source, TensorKey key)
    {
        RowTileLayout layout = source.Layout(key.MatrixRole, key.Layer, key.Expert);
        var tiles = new byte[layout.Bytes];
        source.CopyTiles(key.MatrixRole, key.Layer, key.Expert, 0, layout.Tiles, tiles);
        return tiles;
    }

    private static float[] Logits(string path, bool map, int[] tokens)
    {
        using ModelSource source = ModelSource.Open(path);
        using CpuForwardPass pass =
            CpuForwardPass.Load(source, map ? source.Map() : null, 64, 64, KvFormat.F32, 4, new CpuOptions { Threads = 2 }, null, default);
        return TestDevices.AllLogits(pass, tokens);
    }

    /// <summary>A config in which no two numbers are the same, whatever properties it has.</summary>
    private static ModelConfig Distinct(out int count)
    {
        var config = new ModelConfig
        {
            Name = "", LayerCount = 0, Dim = 0, HeadCount = 0, KvHeadCount = 0, HeadDim = 0, HiddenDim = 0, ExpertCount = 0,
            ExpertsPerToken = 0,
            VocabSize = 0, ContextLength = 0, RopeBase = 0, RopeDim = 0, RmsEpsilon = 0,
        };
        PropertyInfo[] properties = [.. typeof(ModelConfig).GetProperties().Where(p => p.CanWrite)];
        for (int i = 0; i < properties.Length; i++)
        {
            object value = properties[i].PropertyType switch
            {
                var type when type == typeof(int) => 100 + i,
                var type when type == typeof(float) => 0.5f + i,
                var type when type == typeof(string) => $"name {i}",
                var type when type == typeof(RopeScaling) => new RopeScaling(RopeScalingKind.Yarn, 2, 3, 4, 5, 6),
                var type when type == typeof(IReadOnlyList<float>) => new float[] { 7, 8 },
                var type => throw new NotSupportedException(
                    $"{properties[i].Name} has type {type}: write it into the header, then say here how it differs."),
            };
            properties[i].SetValue(config, value);
        }
        count = properties.Length;
        return config;
    }

    private static void Pack(string from, string to)
    {
        using ModelSource source = ModelSource.Open(from);
        ModelPacker.Pack(source, to);
    }

    private static void FlipBit(string path, long offset)
    {
        using FileStream file = new(path, FileMode.Open);
        file.Position = offset;
        int value = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(value ^ 16));
    }
}
