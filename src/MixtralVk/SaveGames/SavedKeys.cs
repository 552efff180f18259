using MessagePack;
using MixtralVk.Model;

namespace MixtralVk.SaveGames;

/// <summary>Keys and values of the beginning of a text in whole pages of the KV cache, and what their bits depend on. Immutable.</summary>
/// <param name="Origin">What computed them.</param>
/// <param name="Tokens">The tokens, 32 a page.</param>
/// <param name="Pages">Of each page the keys and then the values of every layer, as they lie in the cache (docs/design.md).</param>
internal sealed record SavedKeys(KvOrigin Origin, int[] Tokens, IReadOnlyList<ReadOnlyMemory<byte>> Pages)
{
    /// <summary>Bytes it takes in a save, at most.</summary>
    public long Bytes => Pages.Sum(page => page.Length + 5L) + 5L * Tokens.Length + 4096;

    /// <summary>
    /// Where these would be used as they are, throws <see cref="SaveGameException"/> unless each is of the right size and finite: in the
    /// cache they would serve every text with the same beginning.
    /// </summary>
    public void Check(ModelConfig config, KvFormat format)
    {
        if (Origin.Format != format) return;
        if (Pages.Count > 0 && Pages[0].Length != format.PageBytes(config))
            throw new SaveGameException($"The save has pages of {Pages[0].Length} bytes; this model's have {format.PageBytes(config)}.");
        foreach (int token in Tokens)
            if ((uint)token >= (uint)config.VocabSize)
                throw new SaveGameException($"The save has keys of token {token}, which the vocabulary does not have.");
        foreach (ReadOnlyMemory<byte> page in Pages)
            if (!format.IsFinite(config, page.Span)) throw new SaveGameException("The save has keys or values that are not finite.");
    }

    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(7);
        writer.Write("format");
        writer.Write(Origin.Format.ToString());
        writer.Write("engine");
        writer.Write(Origin.Engine);
        writer.Write("device");
        writer.Write(Origin.Device);
        writer.Write("driver");
        writer.Write(Origin.Driver);
        writer.Write("orders");
        writer.Write(Origin.Orders);
        writer.Write("tokens");
        SaveFormat.WriteTokens(ref writer, Tokens);
        writer.Write("pages");
        writer.WriteArrayHeader(Pages.Count);
        foreach (ReadOnlyMemory<byte> page in Pages) writer.Write(page.Span);
    }

    /// <summary>Bytes of the pages in a save's map.</summary>
    public static long PageBytesIn(MessagePackReader save)
    {
        long bytes = 0;
        for (int left = save.ReadMapHeader(); left > 0; left--)
        {
            if (save.ReadString() != "keys") save.Skip();
            else
                for (int keysLeft = save.ReadMapHeader(); keysLeft > 0; keysLeft--)
                {
                    if (save.ReadString() != "pages") save.Skip();
                    else for (int pages = save.ReadArrayHeader(); pages > 0; pages--) bytes += ReadPage(ref save).Length;
                }
        }
        return bytes;
    }

    public static SavedKeys Read(ref MessagePackReader reader)
    {
        string? format = null, engine = null, device = null, driver = null, orders = null;
        var tokens = new List<int>();
        var pages = new List<ReadOnlyMemory<byte>>();
        for (int left = reader.ReadMapHeader(); left > 0; left--)
        {
            switch (reader.ReadString())
            {
                case "format": format = reader.ReadString(); break;
                case "engine": engine = reader.ReadString(); break;
                case "device": device = reader.ReadString(); break;
                case "driver": driver = reader.ReadString(); break;
                case "orders": orders = reader.ReadString(); break;
                case "tokens": tokens.AddRange(SaveFormat.ReadTokens(ref reader)); break;
                case "pages":
                    for (int count = reader.ReadArrayHeader(); count > 0; count--) pages.Add(ReadPage(ref reader));
                    break;
                default: reader.Skip(); break;
            }
        }
        if (!Enum.TryParse(format, out KvFormat known) || !Enum.IsDefined(known) || engine is null || device is null
            || driver is null || orders is null)
            throw new SaveGameException("The save has keys and values, but not what computed them.");
        if (tokens.Count != (long)pages.Count * KvPages.PageTokens)
            throw new SaveGameException($"The save has {pages.Count} pages of keys and values for {tokens.Count} tokens.");
        if (pages.Exists(page => page.Length != pages[0].Length))
            throw new SaveGameException("The save has pages of keys and values of several sizes.");
        return new SavedKeys(new KvOrigin(known, engine, device, driver, orders), [.. tokens], pages);
    }

    /// <summary>A part of the bytes that are read: nothing is copied.</summary>
    private static ReadOnlyMemory<byte> ReadPage(ref MessagePackReader reader) =>
        reader.ReadBytes() is { IsSingleSegment: true } page
            ? page.First : throw new SaveGameException("The save has a page without bytes.");
}
