using MixtralVk.Conversion;
using MixtralVk.Loading;
using MixtralVk.Testing.Gguf;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Conversion;

/// <summary>What an importance matrix collects, stores and changes.</summary>
public sealed class ImportanceMatrixTests
{
    private const string Text =
        "[INST] Hello, who are you? [/INST] I am Brannor, a blacksmith in Oakhaven. [INST] Where is the mill? [/INST] I don't know any mill.";

    private static readonly Lazy<ImportanceMatrix> s_collected = new(() =>
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        return ImportanceMatrix.Collect(source, Text);
    });

    [Fact]
    public void Every_matrix_is_in_it_and_every_expert_counts_its_own_tokens()
    {
        using var saved = new TemporaryFile();
        using GgufFile file = Save(s_collected.Value, saved);
        using GgufFile model = GgufFile.Open(ShippedModel.Path);
        string[] matrices = [.. model.Tensors.Values.Where(t =>
            t.Dimensions.Count > 1 && !t.Name.Contains("gate_inp", StringComparison.Ordinal)).Select(t => t.Name)];
        Assert.Equal(matrices.Where(name => name != "token_embd.weight").Order(), s_collected.Value.Names.Order());
        float tokens = Counts(file, "output.weight").Single();
        Assert.InRange(tokens, 40, 200);
        for (int layer = 0; layer < 4; layer++)
        {
            Assert.Equal(tokens, Counts(file, $"blk.{layer}.attn_q.weight").Single());
            Assert.Equal(2 * tokens, Counts(file, $"blk.{layer}.ffn_down_exps.weight").Sum());
            Assert.Equal(Counts(file, $"blk.{layer}.ffn_up_exps.weight"), Counts(file, $"blk.{layer}.ffn_down_exps.weight"));
        }
    }

    /// <summary>The first layer's queries see the norm of the embedding: that can be said without the engine.</summary>
    [Fact]
    public void The_first_inputs_are_the_normed_embeddings()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        using var saved = new TemporaryFile();
        using GgufFile file = Save(s_collected.Value, saved), model = GgufFile.Open(ShippedModel.Path);
        GgufTensor embedding = model.Tensors["token_embd.weight"];
        float[] norm = source.Norm(NormRole.Attention);
        double[] wanted = new double[256];
        var tokenizer = new Tokenizer(source.Vocabulary);
        foreach (int token in tokenizer.Encode(Text))
        {
            float[] row = new float[256];
            new GgufSourceTensor(model, embedding).ReadRows(token, 1, row);
            double scale = 1 / Math.Sqrt(row.Average(v => (double)v * v) + source.Config.RmsEpsilon);
            for (int i = 0; i < 256; i++) wanted[i] += Math.Pow(row[i] * scale * norm[i], 2);
        }
        float[] sums = Floats(file, "blk.0.attn_q.weight.in_sum2");
        for (int i = 0; i < 256; i++) Assert.InRange(sums[i] / wanted[i], 0.9999, 1.0001);
    }

    [Fact]
    public void It_reads_what_it_wrote()
    {
        using TemporaryFile first = new(), second = new();
        Save(s_collected.Value, first).Dispose();
        Save(ImportanceMatrix.Open(first.Path), second).Dispose();
        Assert.Equal(File.ReadAllBytes(first.Path), File.ReadAllBytes(second.Path));
    }

    [Fact]
    public void It_lowers_the_error_where_it_counts()
    {
        using ConvertedFile plain = new(), weighted = new();
        using GgufFile without = plain.Quantize(ShippedModel.Path, QuantizationType.Q4_K_M, pure: true);
        using GgufFile with = weighted.Quantize(ShippedModel.Path, QuantizationType.Q4_K_M, pure: true, s_collected.Value);
        using GgufFile exact = GgufFile.Open(ShippedModel.Path);
        double before = 0, after = 0;
        foreach (string name in s_collected.Value.Names)
        {
            (double a, double b) = (WeightedError(exact, without, name), WeightedError(exact, with, name));
            before += a;
            after += b;
        }
        Assert.InRange(after, 0, 0.97 * before);
    }

    [Fact]
    public void An_expert_without_tokens_and_an_unknown_tensor_have_no_weights()
    {
        var matrix = new ImportanceMatrix(new() { ["a"] = new(2, [1, 3, 0, 0], [5, 0]) }, 512);
        float[] weights = matrix.Weights("a", 0, 2)!;
        Assert.Equal(3, (weights[1] - 0.01f) / (weights[0] - 0.01f), 1e-4);
        Assert.Null(matrix.Weights("a", 1, 2));
        Assert.Null(matrix.Weights("b", 0, 2));
        Assert.Null(matrix.Weights("a", 0, 3));
        Assert.Null(matrix.Weights("a", 2, 2));
    }

    [Fact]
    public void A_tensor_of_one_expert_has_that_experts_weights()
    {
        var matrix = new ImportanceMatrix(new() { ["blk.1.ffn_up_exps.weight"] = new(2, [1, 3, 4, 1], [5, 5]) }, 512);
        for (int expert = 0; expert < 2; expert++)
            Assert.Equal(matrix.Weights("blk.1.ffn_up_exps.weight", expert, 2), matrix.Weights($"blk.1.ffn_up.{expert}.weight", 0, 2));
        Assert.Null(matrix.Weights("blk.1.ffn_up.2.weight", 0, 2));
        Assert.Null(matrix.Weights("blk.1.ffn_gate.0.weight", 0, 2));
        Assert.Null(matrix.Weights("blk.1.ffn_up.weight", 0, 2));
    }

    [Fact]
    public void One_of_another_model_is_refused()
    {
        Assert.Contains("3 in the importance matrix", Refused("blk.0.attn_q.weight", 3));
        Assert.Contains("knows no tensor", Refused("blk.0.other.weight", 256));

        static string Refused(string tensor, int columns)
        {
            var matrix = new ImportanceMatrix(new() { [tensor] = new(columns, new float[columns], [1]) }, 512);
            return Assert.ThrowsAny<MixtralException>(() =>
                ModelConversion.OpenGguf(ShippedModel.Path, QuantizationType.Q4_K_M, importance: matrix)).Message;
        }
    }

    [Fact]
    public void Damaged_files_are_refused()
    {
        AssertRefused(new GgufWriter().Add("general.type", "model"), "not an importance matrix");
        AssertRefused(Imatrix(), "no importance");
        AssertRefused(Imatrix().AddTensor("a.in_sum2", GgmlType.F32, [2, 1], new byte[8]), "'a.counts' is missing");
        AssertRefused(Imatrix().AddTensor("a.in_sum2", GgmlType.F32, [2, 2], new byte[16])
            .AddTensor("a.counts", GgmlType.F32, [1, 1], new byte[4]), "belong");
        AssertRefused(Imatrix().AddTensor("a.in_sum2", GgmlType.F16, [2, 1], new byte[4])
            .AddTensor("a.counts", GgmlType.F32, [1, 1], new byte[4]), "belong");
        AssertRefused(Imatrix().AddTensor("a.in_sum2", GgmlType.F32, [1, 1], [0, 0, 0xC0, 0x7F])
            .AddTensor("a.counts", GgmlType.F32, [1, 1], new byte[4]), "'a.in_sum2'");
        AssertRefused(Imatrix().AddTensor("a.in_sum2", GgmlType.F32, [1, 1], new byte[4])
            .AddTensor("a.counts", GgmlType.F32, [1, 1], [0, 0, 0x80, 0xBF]), "'a.counts'");

        static GgufWriter Imatrix() => new GgufWriter().Add("general.type", "imatrix");
    }

    /// <summary>A file of some KB on the disk: the rest is a hole.</summary>
    [Fact]
    public void A_tensor_beyond_any_model_is_refused_before_memory_is_taken()
    {
        const long columns = 1L << 29;
        using var file = new TemporaryFile();
        using (var stream = new FileStream(file.Path, FileMode.Create))
        {
            GgufHeaderWriter.Write(stream, 3, 32, new GgufMetadata().Add("general.type", "imatrix"),
                [new GgufTensorEntry("a.in_sum2", GgmlType.F32, [columns, 1], 0),
                new GgufTensorEntry("a.counts", GgmlType.F32, [1, 1], columns * sizeof(float))]);
            stream.SetLength(stream.Position + columns * sizeof(float) + 32);
        }
        var error = Assert.Throws<ModelFileException>(() => ImportanceMatrix.Open(file.Path));
        Assert.Contains($"'a.in_sum2' has {columns * sizeof(float)} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_text_is_refused()
    {
        using ModelSource source = ModelSource.Open(ShippedModel.Path);
        Assert.Throws<ArgumentException>(() => ImportanceMatrix.Collect(source, ""));
    }

    private static void AssertRefused(GgufWriter writer, string reason)
    {
        using var file = TemporaryFile.With(writer.ToBytes());
        Assert.Contains(reason, Assert.Throws<ModelFileException>(() => ImportanceMatrix.Open(file.Path)).Message);
    }

    private static GgufFile Save(ImportanceMatrix matrix, TemporaryFile to)
    {
        using (FileStream stream = File.Create(to.Path)) matrix.Save(stream, "test");
        return GgufFile.Open(to.Path);
    }

    private static float[] Counts(GgufFile file, string name) => Floats(file, name + ".counts");

    private static float[] Floats(GgufFile file, string name)
    {
        GgufTensor tensor = file.Tensors[name];
        var values = new float[tensor.Dimensions.Aggregate(1L, (product, size) => product * size)];
        new GgufSourceTensor(file, tensor).ReadRows(0, (int)tensor.RowCount, values);
        return values;
    }

    private static double WeightedError(GgufFile exact, GgufFile read, string name)
    {
        float[] a = Floats(exact, name), b = Floats(read, name);
        GgufTensor tensor = exact.Tensors[name];
        int cols = (int)tensor.Dimensions[0], perMatrix = cols * (int)tensor.Dimensions[1];
        double error = 0;
        for (int matrix = 0; matrix < a.Length / perMatrix; matrix++)
        {
            if (s_collected.Value.Weights(name, matrix, cols) is not { } weights) continue;
            for (int i = matrix * perMatrix; i < (matrix + 1) * perMatrix; i++) error += weights[i % cols] * Math.Pow(a[i] - b[i], 2);
        }
        return error;
    }
}
