using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using MessagePack;

namespace MixtralVk.SaveGames;

/// <summary>The bytes of a save (docs/formats.md): magic, version, a MessagePack map, SHA-256 of all before it.</summary>
internal static class SaveFormat
{
    /// <summary>Most bytes of a save, and of all in it but the pages of keys and values.</summary>
    public const int MaxBytes = 1 << 30, MaxTextBytes = 64 << 20;

    private const uint Version = 1;
    private const int PreambleBytes = 12;

    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'M', (byte)'V', (byte)'S', 0x0D, 0x0A, 0x1A, 0x0A];

    public static byte[] Write(CharacterSave save)
    {
        var buffer = new ArrayBufferWriter<byte>(4096 + (int)(save.Keys?.Bytes ?? 0));
        buffer.Write(Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.GetSpan(4), Version);
        buffer.Advance(4);
        var writer = new MessagePackWriter(buffer);
        writer.WriteMapHeader(save.Keys is null ? 5 : 6);
        writer.Write("name");
        writer.Write(save.Name);
        writer.Write("model");
        writer.Write(save.Model);
        writer.Write("seed");
        writer.Write(save.Seed);
        writer.Write("forgotten");
        writer.Write(save.Forgotten);
        writer.Write("turns");
        writer.WriteArrayHeader(save.Turns.Count);
        foreach (ChatTurn turn in save.Turns)
        {
            writer.WriteArrayHeader(3);
            writer.Write(turn.Question);
            writer.Write(turn.Answer);
            WriteTokens(ref writer, turn.Tokens);
        }
        if (save.Keys is not null)
        {
            writer.Write("keys");
            save.Keys.Write(ref writer);
        }
        writer.Flush();
        return [.. buffer.WrittenSpan, .. SHA256.HashData(buffer.WrittenSpan)];
    }

    public static CharacterSave Read(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length > MaxBytes) throw new SaveGameException($"The save has {span.Length} bytes; at most {MaxBytes} are read.");
        if (span.Length < PreambleBytes + SHA256.HashSizeInBytes || !span.StartsWith(Magic))
            throw new SaveGameException("This is no save of a character: it does not begin like one.");
        ReadOnlySpan<byte> content = span[..^SHA256.HashSizeInBytes];
        if (!SHA256.HashData(content).AsSpan().SequenceEqual(span[content.Length..]))
            throw new SaveGameException("The save is damaged: its checksum is wrong. Take an older one.");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(span[Magic.Length..]);
        if (version != Version)
            throw new SaveGameException($"The save has version {version} of the format; this program reads version {Version}.");
        ReadOnlyMemory<byte> map = bytes[PreambleBytes..content.Length];
        try
        {
            // Text becomes many times as large in memory, pages are used where they lie.
            if (map.Length - SavedKeys.PageBytesIn(new MessagePackReader(map)) > MaxTextBytes)
                throw new SaveGameException($"The save has more than {MaxTextBytes} bytes beside keys and values; no conversation is so long.");
            return Parse(new MessagePackReader(map));
        }
        // The last is what the reader says of a length above 2^31.
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or OverflowException
            or ArgumentOutOfRangeException or InvalidOperationException)
        {
            throw new SaveGameException($"The save is not what it should be: {e.Message}", e);
        }
    }

    private static CharacterSave Parse(MessagePackReader reader)
    {
        string? name = null;
        byte[]? model = null;
        ulong seed = 0;
        int forgotten = 0;
        List<ChatTurn>? turns = null;
        SavedKeys? keys = null;
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            switch (reader.ReadString())
            {
                case "name": name = reader.ReadString(); break;
                case "model": model = reader.ReadBytes()?.ToArray(); break;
                case "seed": seed = reader.ReadUInt64(); break;
                case "forgotten": forgotten = reader.ReadInt32(); break;
                case "turns": turns = ReadTurns(ref reader); break;
                case "keys": keys = SavedKeys.Read(ref reader); break;
                default: reader.Skip(); break;
            }
        }
        if (!reader.End) throw new SaveGameException("The save has something behind its end.");
        if (name is null || model is not { Length: SHA256.HashSizeInBytes } || turns is null)
            throw new SaveGameException("The save lacks its name, its model or what was said.");
        if (forgotten < 0 || forgotten > turns.Count)
            throw new SaveGameException("The save counts more forgotten exchanges than there were.");
        return new CharacterSave { Name = name, Model = model, Seed = seed, Forgotten = forgotten, Turns = turns, Keys = keys };
    }

    private static List<ChatTurn> ReadTurns(ref MessagePackReader reader)
    {
        var turns = new List<ChatTurn>();
        for (int left = reader.ReadArrayHeader(); left > 0; left--)
        {
            if (reader.ReadArrayHeader() != 3)
                throw new SaveGameException("The save has an exchange that is not question, answer and tokens.");
            string? question = reader.ReadString(), answer = reader.ReadString();
            turns.Add(new ChatTurn(question ?? "", answer ?? "", ReadTokens(ref reader)));
        }
        return turns;
    }

    public static void WriteTokens(ref MessagePackWriter writer, IReadOnlyCollection<int> tokens)
    {
        writer.WriteArrayHeader(tokens.Count);
        foreach (int token in tokens) writer.Write(token);
    }

    public static List<int> ReadTokens(ref MessagePackReader reader)
    {
        var tokens = new List<int>(); // grows with what is there: the length that is written proves nothing
        for (int count = reader.ReadArrayHeader(); count > 0; count--) tokens.Add(reader.ReadInt32());
        return tokens;
    }
}
