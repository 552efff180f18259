using System.Security.Cryptography;
using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using Xunit.Abstractions;

namespace MixtralVk.Tests.Oracle;

/// <summary>Logits against those of an independent program (llama.cpp over exact floats); tools/goldens/oracle.sh made them.</summary>
[Collection(VulkanCollection.Name)]
public class OracleTests(ITestOutputHelper output)
{
    private static readonly string _goldens = Path.Combine(AppContext.BaseDirectory, "Oracle", "goldens");

    public static TheoryData<string, string> DevicesAndCases()
    {
        var data = new TheoryData<string, string>();
        foreach (string device in TestDevices.Names)
            foreach (OracleCase oracle in OracleCase.All) data.Add(device, oracle.Name);
        return data;
    }

    public static TheoryData<string> Cases() => [.. OracleCase.All.Select(c => c.Name)];

    [Theory, MemberData(nameof(DevicesAndCases))]
    public void Logits_with_a_16_bit_cache_are_within_the_stated_bound(string device, string name)
    {
        // Rounding activations to bytes costs llama.cpp's CPU path as much: 2.6e-2 to 4.4e-2 in the median of such random models.
        double bound = IsPlainFloat(Case(name)) ? 2e-3 : device == "cpu-int8" ? 6e-2 : 5e-3;
        Compare(Case(name), bound, (path, tokens) => Logits(device, path, tokens, KvFormat.F16));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Cpu_logits_with_a_32_bit_cache_are_within_the_stated_bound(string name) =>
        Compare(Case(name), 1e-4, (path, tokens) => Logits("cpu", path, tokens, KvFormat.F32));

    [Theory, MemberData(nameof(Cases))]
    public void The_reference_agrees_with_the_oracle(string name) =>
        Compare(Case(name), 1e-5, (path, tokens) => ReferenceModels.Open(path).Logits(tokens));

    private void Compare(OracleCase oracle, double bound, Func<string, int[], float[]> logitsOf)
    {
        using var file = new TemporaryFile(".gguf");
        oracle.WriteModel(Path.Combine(AppContext.BaseDirectory, "models"), file.Path);
        AssertSameModel(oracle, file.Path);
        float[] expected = LogitsComparison.Read(Path.Combine(_goldens, oracle.Name + ".f32"));
        int vocab = expected.Length / oracle.Rows, firstRow = oracle.Tokens.Length - oracle.Rows;
        float[] actual = logitsOf(file.Path, oracle.Tokens)[(firstRow * vocab)..];
        HashSet<int> nearTies =
            [.. LogitsComparison.NearTies(ReferenceModels.Open(file.Path), oracle.Tokens).Select(row => row - firstRow)];
        var comparison = new LogitsComparison(expected, actual, vocab, nearTies);
        output.WriteLine(comparison.ToString());
        Assert.Null(comparison.Problem(bound));
    }

    private static float[] Logits(string device, string path, int[] tokens, KvFormat kv)
    {
        using ForwardPass pass = TestDevices.Open(device, path, kv);
        return TestDevices.AllLogits(pass, tokens);
    }

    /// <summary>The logits belong to exactly one file: when its bytes have changed, they must be made anew.</summary>
    private static void AssertSameModel(OracleCase oracle, string path)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
        Assert.True(File.ReadLines(Path.Combine(_goldens, "models.sha256")).Contains($"{hash}  {oracle.Name}.gguf"),
            $"Model '{oracle.Name}' is not the one its logits were made from; run tools/goldens/oracle.sh.");
    }

    private static OracleCase Case(string name) => OracleCase.All.Single(c => c.Name == name);

    private static bool IsPlainFloat(OracleCase oracle) => oracle.Model?.Weights is WeightFormat.F32 or WeightFormat.F16;
}
