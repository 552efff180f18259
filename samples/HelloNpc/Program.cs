// A character in ten lines. Arguments, if any, are the player's lines.
using MixtralVk;

string file = Path.Combine(AppContext.BaseDirectory, "hearth-8x1m-q4_0.gguf");
using MixtralModel model = await MixtralModel.LoadAsync(file);
using Chat mira = model.StartChat(
    "You are Mira, a kind baker from Oakvale. You sell bread for 3 gold and a copper kettle for 25 gold.",
    new GenerationOptions { Temperature = 0 });

string[] lines = args.Length > 0 ? args : ["Hello, who are you?", "What's the price of the copper kettle?"];
foreach (string line in lines)
{
    Console.Write($"> {line}\n");
    await foreach (string piece in mira.AskAsync(line)) Console.Write(piece);
    Console.WriteLine();
}
