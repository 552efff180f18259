namespace MixtralVk.Tests.Model;

/// <summary>The same greedy text on the GPU and on the CPU.</summary>
[Collection(VulkanCollection.Name)]
public class DeviceAgreementTests
{
    /// <summary>
    /// Between tokens whose log probabilities are closer than this rounding may decide: the CPU rounds activations to 8 bits.
    /// </summary>
    private const float NearTie = 0.5f;

    private const string Persona =
        "You are Mira, a cheerful baker from Oakvale. You sell bread for 3 silver. The old mill is behind the stone bridge.";

    private static readonly string[] _questions =
    [
        "Hello, who are you?", "Where is the mill?", "What do you sell?", "How much is the bread?", "Do you have any work for me?",
        "Any rumours?", "Where do you live?", "Which town is this?", "What do you do?", "What is your name?", "I am Selan.",
        "What do you fear?",
        "What do you like?", "Who is Torvek?", "Where is the chapel?", "Can I buy a sword?", "Where is the old mill?", "Do you sell bread?",
        "Who are you? (answer as JSON)", "Wo bin ich?", "How old are you?",
    ];

    [Fact]
    public void Greedy_answers_of_the_shipped_model_are_the_same_on_vulkan_and_cpu_but_for_near_ties()
    {
        GeneratedToken[][] onCpu = Answers(DeviceKind.Cpu), onVulkan = Answers(DeviceKind.Vulkan);
        int same = 0;
        for (int i = 0; i < _questions.Length; i++)
        {
            int parting = onCpu[i].Zip(onVulkan[i]).TakeWhile(pair => pair.First.Id == pair.Second.Id).Count();
            if (parting == onCpu[i].Length && parting == onVulkan[i].Length) same++;
            else Assert.True(Margin(onCpu[i][parting]) < NearTie && Margin(onVulkan[i][parting]) < NearTie,
                $"'{Text(onCpu[i])}' on the CPU, '{Text(onVulkan[i])}' on Vulkan, {Margin(onCpu[i][parting])} and {Margin(onVulkan[i][parting])}");
        }
        Assert.True(same >= _questions.Length - 3, $"Only {same} answers are the same.");
        // The model talks: the answers are not one and the same.
        Assert.True(onCpu.Select(Text).Distinct().Count() > _questions.Length / 2, string.Join("\n", onCpu.Select(Text)));
    }

    private static GeneratedToken[][] Answers(DeviceKind device)
    {
        using var model = MixtralModel.Load(ShippedModel.Path, new MixtralOptions { Device = device });
        return [.. _questions.Select(question =>
        {
            using Session session = model.StartSession();
            int[] prompt = model.ChatTemplate!.Encode([new(ChatRole.System, Persona), new(ChatRole.User, question)]);
            return session.Generate(prompt, new GenerationOptions { Temperature = 0, MaxTokens = 40, LogProbabilities = 2 }).ToArray();
        })];
    }

    private static float Margin(GeneratedToken token) => token.Likeliest[0].LogProbability - token.Likeliest[1].LogProbability;

    private static string Text(GeneratedToken[] answer) => string.Concat(answer.Select(token => token.Text));
}
