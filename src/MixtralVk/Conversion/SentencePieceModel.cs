using MixtralVk.Loading;
using MixtralVk.Tokenization;

namespace MixtralVk.Conversion;

/// <summary>
/// Reads <c>tokenizer.model</c>, a protocol-buffers message <c>ModelProto</c> of SentencePiece (sentencepiece_model.proto): field 1 the
/// pieces (1 text, 2 score, 3 type, whose numbers are those of <see cref="TokenType"/>), field 2 the trainer's settings (3 kind of model,
/// 40 to 42 the ids of unknown, begin and end), field 3 the normaliser's (1 name, 2 compiled rules, 3 whether a space is put in front).
/// </summary>
internal static class SentencePieceModel
{
    private const int MaxPieces = 1 << 22, MaxPieceBytes = 1 << 16, Bpe = 2;

    /// <summary>Reads the file's content. Throws <see cref="ModelFileException"/> for anything but a BPE model.</summary>
    public static VocabularyData Read(string path, ReadOnlySpan<byte> model)
    {
        var pieces = new List<string>();
        var scores = new List<float>();
        var types = new List<TokenType>();
        var trainer = new Trainer();
        bool spacePrefix = true;
        var message = new ProtobufReader(path, model);
        while (message.Next())
        {
            if (message.Field == 1)
            {
                if (pieces.Count == MaxPieces) throw new ModelFileException(path, $"has more than {MaxPieces} pieces.");
                AddPiece(path, message.Message(), pieces, scores, types);
            }
            else if (message.Field == 2) trainer = ReadTrainer(message.Message());
            else if (message.Field == 3) spacePrefix = ReadNormalizer(path, message.Message());
            else message.Skip();
        }
        if (pieces.Count == 0) throw new ModelFileException(path, "is no SentencePiece model: it has no pieces.");
        if (trainer.Kind != Bpe)
            throw new ModelFileException(path, $"is a SentencePiece model of kind {trainer.Kind}; only BPE ({Bpe}) is supported.");
        return new VocabularyData(
            "llama", [.. pieces], [.. scores], [.. types], Special(trainer.Bos), Special(trainer.Eos),
            Special(trainer.Unknown), EndOfTurn: -1,
            AddBos: true, AddEos: false, AddSpacePrefix: spacePrefix, ChatTemplate: null);

        int Special(long id) => id >= 0 && id < pieces.Count ? (int)id : -1;
    }

    private static void AddPiece(string path, ProtobufReader piece, List<string> pieces, List<float> scores, List<TokenType> types)
    {
        string text = "";
        float score = 0;
        long type = (long)TokenType.Normal;
        while (piece.Next())
        {
            if (piece.Field == 1) text = piece.Text(MaxPieceBytes);
            else if (piece.Field == 2) score = piece.Single();
            else if (piece.Field == 3) type = piece.Integer();
            else piece.Skip();
        }
        if (type is < (long)TokenType.Normal or > (long)TokenType.Byte)
            throw new ModelFileException(path, $"piece {pieces.Count} has the unknown type {type}.");
        if (float.IsNaN(score)) throw new ModelFileException(path, $"the score of piece {pieces.Count} is not a number.");
        pieces.Add(text);
        scores.Add(score);
        types.Add((TokenType)type);
    }

    private static Trainer ReadTrainer(ProtobufReader message)
    {
        var trainer = new Trainer();
        while (message.Next())
        {
            if (message.Field == 3) trainer = trainer with { Kind = message.Integer() };
            else if (message.Field == 40) trainer = trainer with { Unknown = message.Integer() };
            else if (message.Field == 41) trainer = trainer with { Bos = message.Integer() };
            else if (message.Field == 42) trainer = trainer with { Eos = message.Integer() };
            else message.Skip();
        }
        return trainer;
    }

    /// <summary>Whether a space is put in front of a text. Rules that change the text itself have no place in a GGUF file.</summary>
    private static bool ReadNormalizer(string path, ProtobufReader message)
    {
        bool spacePrefix = true;
        while (message.Next())
        {
            if (message.Field == 2 && message.Bytes().Length > 0)
                throw new ModelFileException(path, "normalises the text by rules of its own, which is not supported; only 'identity' is.");
            if (message.Field == 3) spacePrefix = message.Integer() != 0;
            else if (message.Field != 2) message.Skip();
        }
        return spacePrefix;
    }

    // The defaults are those of the message.
    private readonly record struct Trainer()
    {
        public long Kind { get; init; } = 1;
        public long Unknown { get; init; }
        public long Bos { get; init; } = 1;
        public long Eos { get; init; } = 2;
    }
}
