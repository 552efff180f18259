using System.Buffers.Binary;
using System.Security.Cryptography;
using MixtralVk.Loading;
using MixtralVk.Packing;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>
/// Packed models. The input is preamble and header; the weights behind them are zeros up to the stated length. Checksum and hash are made
/// right again after most changes, or nothing would get past them.
/// </summary>
internal sealed class PackedTarget : GgufTarget
{
    private const long MostFileBytes = 16 << 20;

    private static readonly SyntheticModel Small =
        new() { Layers = 1, Dim = 8, Heads = 2, KvHeads = 1, HeadDim = 4, Hidden = 6, Experts = 2, TopK = 1, Vocab = 12 };

    private static readonly byte[] HashKey = [.. "model_hash"u8, 0xC4, 32];

    public override string Name => "mvk";

    public override IReadOnlyList<byte[]> Seeds { get; } =
        [Head(Small), Head(Small with { Experts = 0, TiedOutput = true, RopeFactors = true })];

    public override byte[] Generate(Random random) => Mutate(random, Mutation.Pick(random, Seeds));

    public override byte[] Mutate(Random random, byte[] input)
    {
        byte[] bytes = Mutation.OfBytes(random, input, input.Length);
        return random.Next(8) == 0 ? bytes : Sealed(bytes);
    }

    public override void Run(byte[] input, string folder)
    {
        string path = Path.Combine(folder, "input.mvk");
        using (FileStream file = File.Create(path))
        {
            file.Write(input);
            long stated = input.Length < PackedFormat.PreambleBytes ? 0 : BinaryPrimitives.ReadInt64LittleEndian(input.AsSpan(24));
            if (stated > input.Length && stated <= MostFileBytes) file.SetLength(stated);
        }
        Use(path);
        ModelVerifier.Verify(path);
    }

    private static byte[] Head(SyntheticModel model)
    {
        using TemporaryFile gguf = TemporaryFile.With(WithTemplate(model).ToBytes()), packed = new(".mvk");
        using (ModelSource source = ModelSource.Open(gguf.Path)) ModelPacker.Pack(source, packed.Path);
        byte[] bytes = File.ReadAllBytes(packed.Path);
        return bytes[..(PackedFormat.PreambleBytes + (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)))];
    }

    /// <summary>The header's length, hash and checksum as its bytes want them.</summary>
    private static byte[] Sealed(byte[] bytes)
    {
        if (bytes.Length <= PackedFormat.PreambleBytes) return bytes;
        Span<byte> header = bytes.AsSpan(PackedFormat.PreambleBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), header.Length);
        int hash = header.IndexOf(HashKey) + HashKey.Length;
        if (hash >= HashKey.Length && hash + SHA256.HashSizeInBytes <= header.Length)
        {
            Span<byte> place = header.Slice(hash, SHA256.HashSizeInBytes);
            place.Clear();
            SHA256.HashData(header).CopyTo(place);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), PackedFormat.Checksum(bytes.AsSpan(16)));
        return bytes;
    }
}
