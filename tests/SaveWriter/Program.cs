// Saves a character of many exchanges under one name, over and over, until it is killed: FILE FIRST. Each save counts one reply more and says so.
using System.Globalization;
using MixtralVk;
using MixtralVk.SaveGames;

ChatTurn[] turns = [.. Enumerable.Range(0, 2000).Select(i => new ChatTurn($"Question {i}?", $"Answer {i}.", [1, 2, i]))];
for (int replies = int.Parse(args[1], CultureInfo.InvariantCulture); ; replies++)
{
    new CharacterSave { Name = "Mira", Model = new byte[32], Seed = 1, Replies = replies, Forgotten = 0, Turns = turns }.Write(args[0]);
    Console.WriteLine(replies);
}
