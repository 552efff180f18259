// Saves a character of many exchanges under one name, over and over, until it is killed: FILE FIRST. Each save has the next seed and tells
// it.
using System.Globalization;
using MixtralVk;
using MixtralVk.SaveGames;

ChatTurn[] turns = [.. Enumerable.Range(0, 2000).Select(i => new ChatTurn($"Question {i}?", $"Answer {i}.", [1, 2, i]))];
for (int seed = int.Parse(args[1], CultureInfo.InvariantCulture); ; seed++)
{
    new CharacterSave { Name = "Mira", Model = new byte[32], Seed = (ulong)seed, Forgotten = 0, Turns = turns }.Write(args[0]);
    Console.WriteLine(seed);
}
