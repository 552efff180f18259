using System.Buffers.Binary;
using System.Text;

namespace MixtralVk.Testing.Checkpoints;

/// <summary>Writes <c>tokenizer.model</c> files: protocol-buffers messages as sentencepiece_model.proto has them.</summary>
public static class SentencePieceWriter
{
    /// <summary>
    /// A model with these pieces; <paramref name="kind"/> 2 is BPE. Types have the numbers of <c>tokenizer.ggml.token_type</c>.
    /// </summary>
    public static byte[] Write(IReadOnlyList<string> pieces, IReadOnlyList<float> scores, IReadOnlyList<int> types,
        int bos = 1, int eos = 2,
        int unknown = 0, bool spacePrefix = true, int kind = 2, byte[]? rules = null)
    {
        byte[] score = new byte[4];
        var model = new List<byte>();
        for (int i = 0; i < pieces.Count; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(score, scores[i]);
            List<byte> piece = [.. Field(1, Encoding.UTF8.GetBytes(pieces[i])), .. Varint(2 << 3 | 5), .. score];
            if (types[i] != 1) piece.AddRange(Field(3, types[i])); // 1 is the default, which SentencePiece leaves out
            model.AddRange(Field(1, [.. piece]));
        }
        // -1 for no token is a negative int32, written in 10 bytes.
        byte[] trainer = [.. Field(3, kind), .. Field(40, unknown), .. Field(41, bos), .. Field(42, eos), .. Field(43, -1)];
        byte[] normalizer =
            [.. Field(1, "identity"u8.ToArray()), .. Field(2, rules ?? []), .. Field(3, spacePrefix ? 1 : 0), .. Field(4, 0)];
        return [.. model, .. Field(2, trainer), .. Field(3, normalizer)];
    }

    /// <summary>A field with a number.</summary>
    public static byte[] Field(int number, long value) => [.. Varint((ulong)number << 3), .. Varint((ulong)value)];

    /// <summary>A field with bytes.</summary>
    public static byte[] Field(int number, byte[] value) => [.. Varint((ulong)number << 3 | 2), .. Varint((ulong)value.Length), .. value];

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value > 127; value >>= 7) bytes.Add((byte)(value & 127 | 128));
        return [.. bytes, (byte)value];
    }
}
