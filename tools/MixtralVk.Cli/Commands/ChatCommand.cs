using System.CommandLine;

namespace MixtralVk.Cli.Commands;

/// <summary>`chat [FILE]`: a conversation, at a terminal or line by line from a pipe.</summary>
internal static class ChatCommand
{
    public const string Name = "chat";

    public static Command Create()
    {
        Argument<string?> file = new Argument<string?>("FILE")
            { Description = "A model, packed (.mvk) or GGUF; without it the small one that comes with the program.",
            Arity = ArgumentArity.ZeroOrOne }.AsPath();
        var persona = new Option<string?>("--system") { Description = "Who the model is to be and what it knows.", HelpName = "text" };
        var sampling = new SamplingArguments();
        Option<string> device = CommonOptions.Device();
        Option<string> map = CommonOptions.Map();
        Option<ExpertShare?> experts = CommonOptions.ExpertsOnGpu();
        Option<int?> context = CommonOptions.Context();
        var command = new Command(Name, "Talk to a model. Lines from a pipe are answered one by one.")
        {
            file, persona, device, map, experts, context,
        };
        sampling.AddTo(command);
        command.SetAction(parsed =>
        {
            string? given = parsed.GetValue(file);
            GenerationOptions options = given is null
                ? new GenerationOptions { Temperature = ShippedModel.Temperature } : new GenerationOptions();
            options = sampling.Apply(options, parsed.CommandResult);
            using MixtralModel model = ModelLoading.Load(given ?? ShippedModel.File, parsed.GetRequiredValue(device),
                parsed.GetValue(context), CancellationToken.None, map: parsed.GetRequiredValue(map),
                expertsOnGpu: parsed.GetValue(experts));
            using Chat chat = model.StartChat(parsed.GetValue(persona) ?? (given is null ? ShippedModel.Persona : null), options);
            new Conversation(chat).Run();
        });
        return command;
    }
}
