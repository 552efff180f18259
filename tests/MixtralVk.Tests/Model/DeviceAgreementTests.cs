namespace MixtralVk.Tests.Model;

/// <summary>The same greedy text on the GPU and on the CPU.</summary>
[Collection(VulkanCollection.Name)]
public class DeviceAgreementTests
{
    // What the persona decides. Small talk is left out: the training text tosses coins for its words, and rounding decides between equals.
    private static readonly string[] _questions =
    [
        "Hello, who are you?", "Where is the mill?", "What do you sell?", "How much is the bread?", "Do you have any work for me?",
        "Any rumours?", "Where do you live?", "Which town is this?", "What do you do?", "What is your name?", "I am Selan.", "What do you fear?",
        "What do you like?", "Who is Torvek?", "Where is the chapel?", "Can I buy a sword?", "Where is the old mill?", "Do you sell bread?",
        "Who are you? (answer as JSON)", "Wo bin ich?", "How old are you?",
    ];

    [Fact]
    public void Greedy_answers_of_the_shipped_model_are_identical_on_vulkan_and_cpu()
    {
        string[] onCpu = Answers(DeviceKind.Cpu);
        Assert.Equal(onCpu, Answers(DeviceKind.Vulkan));
        // The model talks: the answers are not one and the same.
        Assert.True(onCpu.Distinct().Count() > _questions.Length / 2, string.Join("\n", onCpu));
    }

    private static string[] Answers(DeviceKind device)
    {
        using var model = MixtralModel.Load(ShippedModel.Path, new MixtralOptions { Device = device });
        using Chat chat = model.StartChat("You are Mira, a cheerful baker from Oakvale. You sell bread for 3 silver. The old mill is behind the stone bridge.",
            new GenerationOptions { Temperature = 0, MaxTokens = 40 });
        return [.. _questions.Select(question =>
        {
            chat.Reset();
            return string.Concat(chat.Ask(question));
        })];
    }
}
