using System.CommandLine;

namespace MixtralVk.Cli.Commands;

/// <summary>`chat [FILE]`: a conversation, at a terminal or line by line from a pipe.</summary>
internal static class ChatCommand
{
    public const string Name = "chat";

    public static Command Create()
    {
        var file = new Argument<string?>("FILE") { Description = "A model, packed (.mvk) or GGUF; without it the small one that comes with the program.", Arity = ArgumentArity.ZeroOrOne };
        var persona = new Option<string?>("--system") { Description = "Who the model is to be and what it knows.", HelpName = "text" };
        Option<int?> maxTokens = CommonOptions.MaxTokens();
        Option<float?> temperature = CommonOptions.Temperature();
        Option<ulong?> seed = CommonOptions.Seed();
        Option<string> device = CommonOptions.Device();
        Option<string> map = CommonOptions.Map();
        Option<int?> context = CommonOptions.Context();
        var command = new Command(Name, "Talk to a model. Lines from a pipe are answered one by one.")
        {
            file, persona, maxTokens, temperature, seed, device, map, context,
        };
        command.SetAction(parsed =>
        {
            string? given = parsed.GetValue(file);
            var options = new GenerationOptions { Seed = parsed.GetValue(seed) };
            if (given is null) options = options with { Temperature = ShippedModel.Temperature };
            if (parsed.GetValue(temperature) is float t) options = options with { Temperature = t };
            if (parsed.GetValue(maxTokens) is int n) options = options with { MaxTokens = n };
            using MixtralModel model = ModelLoading.Load(given ?? ShippedModel.File, parsed.GetRequiredValue(device), parsed.GetValue(context), CancellationToken.None, map: parsed.GetRequiredValue(map));
            using Chat chat = model.StartChat(parsed.GetValue(persona) ?? (given is null ? ShippedModel.Persona : null), options);
            new Conversation(chat).Run();
        });
        return command;
    }
}
