using MixtralVk.Model;
using MixtralVk.Reference;
using MixtralVk.Testing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Model;

/// <summary>Each layer by itself against the scalar reference, so that an error cannot hide behind those of other layers.</summary>
[Collection(VulkanCollection.Name)]
public class LayerTests
{
    public static TheoryData<string, string> Models()
    {
        var data = new TheoryData<string, string>();
        foreach (string device in TestDevices.Exact)
            foreach (string shape in TestShapes.All.Keys) data.Add(device, shape);
        return data;
    }

    [Theory, MemberData(nameof(Models))]
    public void Every_layer_fed_with_the_reference_s_input_gives_the_reference_s_output(string device, string shape)
    {
        using TemporaryFile file = TestShapes.All[shape].WriteTemporary();
        ReferenceModel reference = ReferenceModels.Open(file.Path);
        using ForwardPass pass = TestDevices.Open(device, file.Path, context: 300, maxBatchTokens: 320);
        foreach (int length in (int[])[1, 33, 257])
        {
            int[] tokens = TestDevices.RandomTokens(length, pass.Config.VocabSize);
            var layers = new List<LayerTrace>();
            reference.Logits(tokens, onLayer: layers.Add);
            using var sequence = new KvSequence(pass.Pages);
            var batch = new StepBatch(length);
            batch.Add(sequence, tokens, LogitRows.All);
            pass.Begin(batch);
            pass.Run(1);
            Assert.Equal(layers[0].Input, TestDevices.Residual(pass, length));
            foreach (LayerTrace layer in layers)
            {
                TestDevices.SetResidual(pass, layer.Input);
                pass.Run(pass.Stages.Count(stage =>
                    stage.Layer == layer.Layer && stage.Kind is not (StageKind.Router or StageKind.GateUp or StageKind.Down)));
                AssertClose(layer.AfterAttention, TestDevices.Residual(pass, length), $"attention of layer {layer.Layer}, {length} tokens");
                TestDevices.SetResidual(pass, layer.AfterAttention);
                pass.Run(pass.Config.IsSparse ? 3 : 2);
                AssertClose(layer.Output, TestDevices.Residual(pass, length), $"layer {layer.Layer}, {length} tokens");
            }
            pass.Run(1);
        }
    }

    private static void AssertClose(float[] expected, float[] actual, string what)
    {
        float scale = expected.Max(MathF.Abs);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            if (!(MathF.Abs(expected[i] - actual[i]) <= 5e-6f * scale))
                Assert.Fail($"{what}: value {i} is {actual[i]:R}, not {expected[i]:R} (largest {scale:R}).");
    }
}
