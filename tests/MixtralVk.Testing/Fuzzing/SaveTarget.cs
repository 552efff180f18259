using System.Security.Cryptography;
using MixtralVk.SaveGames;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>Saves of characters. The checksum is made right again after most changes, or nothing would get past it.</summary>
internal sealed class SaveTarget : FuzzTarget
{
    public override string Name => "save";

    public override IReadOnlyList<byte[]> Seeds { get; } = [Save(0), Save(3)];

    public override byte[] Generate(Random random) => Mutate(random, Save(random.Next(5)));

    public override byte[] Mutate(Random random, byte[] input)
    {
        byte[] bytes = Mutation.OfBytes(random, input, input.Length);
        if (random.Next(8) == 0 || bytes.Length < SHA256.HashSizeInBytes) return bytes;
        return [.. bytes[..^SHA256.HashSizeInBytes], .. SHA256.HashData(bytes.AsSpan(..^SHA256.HashSizeInBytes))];
    }

    public override void Run(byte[] input, string folder) => CharacterSave.Parse(CharacterSave.Parse(input).ToBytes());

    private static byte[] Save(int turns) => new CharacterSave
    {
        Name = "Mira", Model = new byte[32], Seed = ulong.MaxValue, Forgotten = turns / 2,
        Turns = [.. Enumerable.Range(0, turns)
            .Select(i => new ChatTurn($"Question {i}?", $"{{\"say\":\"\u00e9 {i}\"}}", [1, 300, 70_000, i]))],
    }.ToBytes();
}
