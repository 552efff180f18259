namespace MixtralVk.Testing.Gguf;

/// <summary>
/// A small SentencePiece-type vocabulary of any size from 3: specials, the 256 byte tokens (where there is room), single characters, then
/// syllables whose every prefix is a token, so that merges reach them.
/// </summary>
public static class SyntheticVocabulary
{
    private const string Singles = "\u2581etaoinshrdlcumwfgypbvkjxqzETAOINSHRDLCUMWFGYPBVKJXQZ0123456789.,;:!?'\"()-\n";

    /// <summary>Adds the tokenizer section for <paramref name="size"/> tokens.</summary>
    public static void AddTo(GgufWriter writer, int size)
    {
        (string Text, int Type)[] tokens = [.. All(bytes: size >= 300).Take(size)];
        writer.Add("tokenizer.ggml.model", "llama")
            .Add("tokenizer.ggml.tokens", [.. tokens.Select(t => t.Text)])
            .Add("tokenizer.ggml.scores", (float[])[.. tokens.Select((t, i) => t.Type == 1 ? -(float)i : 0)])
            .Add("tokenizer.ggml.token_type", (int[])[.. tokens.Select(t => t.Type)])
            .Add("tokenizer.ggml.bos_token_id", 1u).Add("tokenizer.ggml.eos_token_id", 2u).Add("tokenizer.ggml.unknown_token_id", 0u)
            .Add("tokenizer.ggml.add_bos_token", true).Add("tokenizer.ggml.add_eos_token", false);
    }

    private static IEnumerable<(string, int)> All(bool bytes)
    {
        yield return ("<unk>", 2);
        yield return ("<s>", 3);
        yield return ("</s>", 3);
        for (int i = 0; bytes && i < 256; i++) yield return ($"<0x{i:X2}>", 6);
        foreach (char c in Singles) yield return (c.ToString(), 1);
        // Strings over the letters in order of length, each a shorter one and a letter: all different, every prefix present.
        string letters = Singles[1..27];
        var shorter = new Queue<string>(["\u2581", .. letters.Select(c => c.ToString())]);
        while (true)
        {
            string prefix = shorter.Dequeue();
            foreach (char c in letters)
            {
                yield return (prefix + c, 1);
                shorter.Enqueue(prefix + c);
            }
        }
    }
}
