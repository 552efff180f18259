namespace MixtralVk.Tokenization;

/// <summary>What a vocabulary entry is; the values are those of <c>tokenizer.ggml.token_type</c>.</summary>
public enum TokenType
{
    /// <summary>Not stated; treated like <see cref="Normal"/>.</summary>
    Undefined = 0,
    /// <summary>A piece of text, with U+2581 for a space.</summary>
    Normal = 1,
    /// <summary>Stands for text the vocabulary cannot express.</summary>
    Unknown = 2,
    /// <summary>A mark without text: begin, end, turn borders.</summary>
    Control = 3,
    /// <summary>Text that is always one token.</summary>
    UserDefined = 4,
    /// <summary>A free place that text never becomes.</summary>
    Unused = 5,
    /// <summary>One byte, written <c>&lt;0xHH&gt;</c>.</summary>
    Byte = 6,
}

/// <summary>
/// A model file's tokenizer section, as the file states it and with the field's defaults where it is silent. Checked when the file was
/// opened: the three arrays have one entry per token, types are known, special ids are in range.
/// </summary>
/// <param name="Model">Kind of tokenizer; <c>llama</c> is SentencePiece-type BPE.</param>
/// <param name="Tokens">Text of each token.</param>
/// <param name="Scores">Merge score of each token: the higher one merges first.</param>
/// <param name="Types">Type of each token.</param>
/// <param name="Bos">Token that begins a text; -1 for none.</param>
/// <param name="Eos">Token that ends a text; -1 for none.</param>
/// <param name="Unknown">Token for text the vocabulary cannot express; -1 for none.</param>
/// <param name="EndOfTurn">Token that ends an answer where that is not <paramref name="Eos"/>; -1 for none.</param>
/// <param name="AddBos">A text begins with <paramref name="Bos"/>.</param>
/// <param name="AddEos">A text ends with <paramref name="Eos"/>.</param>
/// <param name="AddSpacePrefix">A text is tokenised as if a space stood before it.</param>
/// <param name="ChatTemplate">The file's Jinja chat template, or null.</param>
public sealed record VocabularyData(
    string Model, string[] Tokens, float[] Scores, TokenType[] Types, int Bos, int Eos, int Unknown, int EndOfTurn,
    bool AddBos, bool AddEos, bool AddSpacePrefix, string? ChatTemplate);
