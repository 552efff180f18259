using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Conversion;

/// <summary>GGUF to GGUF.</summary>
public sealed class GgufConversionTests
{
    private static readonly SyntheticModel s_model = new() { Dim = 256, Hidden = 256, Heads = 8, Layers = 1, Experts = 4, Vocab = 320 };

    [Fact]
    public void Metadata_of_every_type_stays()
    {
        GgufWriter writer = s_model.ToWriter()
            .Add("x.u8", GgufValueType.UInt8, w => w.Write((byte)200)).Add("x.i8", GgufValueType.Int8, w => w.Write((sbyte)-3))
            .Add("x.u16", GgufValueType.UInt16, w => w.Write((ushort)60000)).Add("x.i16", GgufValueType.Int16, w => w.Write((short)-300))
            .Add("x.u64", ulong.MaxValue).Add("x.i64", GgufValueType.Int64, w => w.Write(long.MinValue))
            .Add("x.f64", GgufValueType.Float64, w => w.Write(Math.PI))
            .Add("x.f32", 0.1f).Add("x.yes", true).Add("x.text", "Grüße, 世界").Add("x.texts", (string[])["", "a", "ÿ"])
            .Add("x.bytes", GgufValueType.Array, w =>
            {
                w.Write((uint)GgufValueType.UInt8);
                w.Write(3ul);
                w.Write([1, 2, 3]);
            });
        using var source = TemporaryFile.With(writer.ToBytes());
        using var converted = new ConvertedFile();
        using GgufFile made = converted.Quantize(source.Path, QuantizationType.Q8_0), original = GgufFile.Open(source.Path);
        string[] own = ["general.file_type", "general.quantization_version", "general.alignment"];
        Assert.Equal(original.Metadata.Keys.Union(own).Order(), made.Metadata.Keys.Order());
        foreach ((string key, GgufValue value) in original.Metadata)
        {
            if (own.Contains(key)) continue;
            Assert.Equal((value.Type, value.ToString()), (made.Metadata[key].Type, made.Metadata[key].ToString()));
            if (value.Type == GgufValueType.Array)
                Assert.True(original.ArrayBytes(value).SequenceEqual(made.ArrayBytes(made.Metadata[key])), key);
        }
        Assert.Equal(7, made.Integer("general.file_type"));
    }

    [Fact]
    public void A_split_model_becomes_one_file()
    {
        using var converted = new ConvertedFile();
        GgufWriter[] parts = (s_model with { Weights = WeightFormat.F16 }).ToWriter().Split(3);
        for (int i = 0; i < parts.Length; i++) parts[i].Save(converted.PathOf($"m-0000{i + 1}-of-00003.gguf"));
        using TemporaryFile whole = (s_model with { Weights = WeightFormat.F16 }).WriteTemporary();
        using GgufFile made = converted.Quantize(converted.PathOf("m-00002-of-00003.gguf"), QuantizationType.F16),
            wanted = GgufFile.Open(whole.Path);
        Assert.DoesNotContain(made.Metadata.Keys, key => key.StartsWith("split.", StringComparison.Ordinal));
        Assert.Equal(wanted.Tensors.Keys.Order(), made.Tensors.Keys.Order());
        Assert.All(wanted.Tensors.Values, tensor =>
            Assert.True(wanted.Rows(tensor, 0, (int)tensor.RowCount)
                .SequenceEqual(made.Rows(made.Tensors[tensor.Name], 0, (int)tensor.RowCount)), tensor.Name));
    }

    [Theory]
    [InlineData(QuantizationType.Q4_0, GgmlType.Q4_0)]
    [InlineData(QuantizationType.Q8_0, GgmlType.Q8_0)]
    [InlineData(QuantizationType.Q4_K_M, GgmlType.Q4_K)]
    [InlineData(QuantizationType.Q5_K_M, GgmlType.Q5_K)]
    [InlineData(QuantizationType.Q6_K, GgmlType.Q6_K)]
    public void The_file_loads_and_threads_change_no_byte(QuantizationType type, GgmlType wanted)
    {
        using TemporaryFile source = s_model.WriteTemporary();
        using ConvertedFile one = new(), many = new();
        one.Quantize(source.Path, type, pure: true, threads: 1).Dispose();
        many.Quantize(source.Path, type, pure: true, threads: 5).Dispose();
        Assert.Equal(File.ReadAllBytes(one.Path), File.ReadAllBytes(many.Path));
        using ModelSource loads = ModelSource.Open(one.Path);
        Assert.Contains(loads.Describe().Types, t => t.Type == wanted.ToString());
        using GgufFile made = GgufFile.Open(one.Path);
        Assert.All(made.Tensors.Values, t =>
            Assert.Equal(t.Dimensions.Count == 1 || t.Name.Contains("gate_inp", StringComparison.Ordinal) ? GgmlType.F32 : wanted, t.Type));
    }

    [Fact]
    public void A_value_that_is_not_finite_names_its_tensor()
    {
        using TemporaryFile source =
            (s_model with { Damage = new Dictionary<string, float> { ["blk.0.ffn_up_exps.weight"] = float.NaN } }).WriteTemporary();
        using var converted = new ConvertedFile();
        ModelFileException e = Assert.Throws<ModelFileException>(() => converted.Quantize(source.Path, QuantizationType.Q4_0));
        Assert.Contains("'blk.0.ffn_up_exps.weight'", e.Message);
        Assert.Contains("not a finite number", e.Message);
    }

    [Fact]
    public void A_value_a_half_cannot_hold_is_refused_and_a_wider_type_takes_it()
    {
        using TemporaryFile source =
            (s_model with { Damage = new Dictionary<string, float> { ["blk.0.attn_q.weight"] = 1e6f } }).WriteTemporary();
        using var converted = new ConvertedFile();
        ModelFileException e = Assert.Throws<ModelFileException>(() => converted.Quantize(source.Path, QuantizationType.F16));
        Assert.Contains("1000000", e.Message);
        converted.Quantize(source.Path, QuantizationType.BF16).Dispose();
    }

    [Fact]
    public void Progress_rises_to_the_whole_and_cancelling_ends_it()
    {
        using TemporaryFile source = s_model.WriteTemporary();
        using ModelConversion conversion = ModelConversion.OpenGguf(source.Path, QuantizationType.Q6_K);
        var reports = new Reports();
        conversion.Write(Stream.Null, progress: reports);
        Assert.Equal(reports.Seen.Select(r => r.DoneBytes).Order(), reports.Seen.Select(r => r.DoneBytes));
        Assert.Equal((conversion.OutputBytes, conversion.OutputBytes), (reports.Seen[^1].DoneBytes, reports.Seen[^1].TotalBytes));

        using var cancellation = new CancellationTokenSource();
        reports.Then = cancellation.Cancel;
        Assert.Throws<OperationCanceledException>(() => conversion.Write(Stream.Null, progress: reports, cancellation: cancellation.Token));
    }

    [Fact]
    public void A_type_that_cannot_be_read_is_refused_before_anything_is_written()
    {
        using var source =
            TemporaryFile.With(s_model.ToWriter().AddTensor("blk.0.extra.weight", GgmlType.IQ2_XXS, [256, 2], new byte[132]).ToBytes());
        Assert.Contains(
            "IQ2_XXS", Assert.Throws<ModelFileException>(() => ModelConversion.OpenGguf(source.Path, QuantizationType.Q8_0)).Message);
    }

    [Fact]
    public void A_file_that_is_no_model_is_refused()
    {
        using var file = TemporaryFile.With(new GgufWriter().Add("general.type", "imatrix").ToBytes());
        Assert.Contains(
            "block_count", Assert.Throws<ModelFileException>(() => ModelConversion.OpenGguf(file.Path, QuantizationType.F16)).Message);
    }

    private sealed class Reports : IProgress<LoadProgress>
    {
        public List<LoadProgress> Seen { get; } = [];
        public Action? Then { get; set; }

        public void Report(LoadProgress value)
        {
            Seen.Add(value);
            Then?.Invoke();
        }
    }
}
