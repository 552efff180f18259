using MixtralVk.Model;
using MixtralVk.Testing;
using MixtralVk.Tokenization;

namespace MixtralVk.Tests.Model;

/// <summary>What smaller keys and values cost.</summary>
[Collection(VulkanCollection.Name)]
public sealed class KvFormatTests
{
    public static TheoryData<string> Devices => [.. TestDevices.Exact];

    /// <summary>
    /// A 16-bit float is off by some 2e-4 of itself, a value in 8 bits by some 5e-3 of its block's: an error 600 times as large by its
    /// square, whatever the model makes of it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Logits_with_smaller_keys_and_values_are_off_as_these_are(string device)
    {
        float[] exact = Logits(device, KvFormat.F32);
        double half = Error(exact, Logits(device, KvFormat.F16)), quants = Error(exact, Logits(device, KvFormat.Q8_0));
        Assert.InRange(half, 1e-12, 1e-6);
        Assert.InRange(quants / half, 10, 2000);
    }

    /// <summary>
    /// Rounding activations to 8 bits and keys and values to 8 bits are errors of one size, and have nothing to do with each other.
    /// </summary>
    [Fact]
    public void Errors_of_activations_and_of_keys_and_values_in_8_bits_add_up()
    {
        float[] exact = Logits("cpu", KvFormat.F32);
        double bytes = Error(exact, Logits("cpu-int8", KvFormat.F32)), quants = Error(exact, Logits("cpu", KvFormat.Q8_0)),
            both = Error(exact, Logits("cpu-int8", KvFormat.Q8_0));
        Assert.InRange(bytes, 1e-9, 1e-3);
        Assert.InRange(quants, 1e-9, 1e-3);
        Assert.InRange(both, 0, 2 * (bytes + quants));
    }

    [Fact]
    public void A_page_of_8_bit_keys_and_values_is_little_more_than_half_of_one_of_16()
    {
        using MixtralModel half = Load(KvFormat.F16), quants = Load(KvFormat.Q8_0);
        Assert.Equal(32, half.Config.HeadDim); // 8 words and one for the scale, instead of 16; of the usual 128 dimensions 34 instead of 64
        Assert.Equal(9 * half.Memory.KvCacheBytes / 16, quants.Memory.KvCacheBytes);
        Assert.Equal(quants.Memory.KvCacheBytes, quants.ForwardPass.KvTokenBytes * 256);

        static MixtralModel Load(KvFormat kv) =>
            MixtralModel.Load(ShippedModel.Path, new MixtralOptions { Device = DeviceKind.Cpu, ContextLength = 256, KvFormat = kv });
    }

    /// <summary>Normalised mean square error.</summary>
    private static double Error(float[] expected, float[] actual) =>
        expected.Zip(actual, (e, a) => Math.Pow((double)e - a, 2)).Sum() / expected.Sum(e => (double)e * e);

    private static float[] Logits(string device, KvFormat kv)
    {
        using ForwardPass pass = TestDevices.Open(device, ShippedModel.Path, kv);
        using var source = MixtralVk.Loading.ModelSource.Open(ShippedModel.Path);
        var tokenizer = new Tokenizer(source.Vocabulary);
        int[] tokens = tokenizer.Encode(
            "[INST] You are Mira, a cheerful baker from Oakvale. You sell bread for 3 silver. The old mill is behind the stone bridge.\n\n"
            + "Who are you? [/INST] I am Mira, the baker.</s>[INST] What do you sell, and where is the mill? [/INST]", parseSpecial: true);
        return TestDevices.AllLogits(pass, tokens);
    }
}
