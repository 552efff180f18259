using MixtralVk.Model;
using MixtralVk.Quantization;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Tests.Model;

/// <summary>NaN, infinity and denormals in every tensor: a typed error that names the layer, or finite logits.</summary>
[Collection(VulkanCollection.Name)]
public class HostileWeightsTests
{
    public static TheoryData<string, string, WeightFormat> Models()
    {
        var data = new TheoryData<string, string, WeightFormat>();
        foreach (string device in TestDevices.Names)
        {
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>()) data.Add(device, "sparse", format);
            data.Add(device, "dense", WeightFormat.F32);
            data.Add(device, "dense", WeightFormat.Q4_0);
        }
        return data;
    }

    [Theory, MemberData(nameof(Models))]
    public void Damage_ends_with_the_layer_named_and_denormals_do_no_harm(string device, string kind, WeightFormat format)
    {
        SyntheticModel model = ModelOf(kind, format);
        // The way of a damaged number through the layers is the same for all formats: the rarer ones show only that they let it through.
        IEnumerable<string> tensors = MatMulCases.IsCommon(format)
            ? model.TensorNames : ["token_embd.weight", "blk.0.attn_v.weight", "blk.1.ffn_up_exps.weight"];
        foreach (string tensor in tensors)
        {
            foreach (float number in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                var error = Assert.Throws<NonFiniteException>(() => Run(device, model, tensor, number));
                Assert.True(LayerOf(tensor, model.Layers) == error.Layer, $"{number} in {tensor} was found in layer {error.Layer}.");
            }
            Assert.All(Run(device, model, tensor, float.Epsilon), logit => Assert.True(float.IsFinite(logit)));
        }
    }

    /// <summary>Runs a few tokens and gives the last row; what a failed step stored does not count.</summary>
    private static float[] Run(string device, SyntheticModel model, string tensor, float number)
    {
        using TemporaryFile file = (model with { Damage = new Dictionary<string, float> { [tensor] = number } }).WriteTemporary();
        using ForwardPass pass = TestDevices.Open(device, file.Path, context: 32, maxBatchTokens: 8);
        using var sequence = new KvSequence(pass.Pages);
        var batch = new StepBatch(8);
        batch.Add(sequence, [1, 5, 9, 2, 77], LogitRows.Last);
        try
        {
            pass.Step(batch);
        }
        catch (NonFiniteException)
        {
            Assert.Equal(0, sequence.Length);
            throw;
        }
        return pass.Logits(0).ToArray();
    }

    private static int LayerOf(string tensor, int layers) => tensor switch
    {
        "token_embd.weight" => -1,
        "output_norm.weight" or "output.weight" => layers,
        _ => int.Parse(tensor.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture),
    };

    // As small as the format allows; every 7th block is damaged, so any few tokens meet one in every tensor.
    private static SyntheticModel ModelOf(string kind, WeightFormat format)
    {
        int dim = Quantizer.BlockValues(format) == 256 ? 256 : 64;
        return new SyntheticModel { Weights = format, Dim = dim, Hidden = dim, Experts = kind == "dense" ? 0 : 3, Vocab = 100 };
    }
}
