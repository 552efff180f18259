using System.Buffers.Binary;
using MixtralVk.Loading;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace MixtralVk.Tests.Loading;

/// <summary>
/// Damage at every place of a small file: it is read whole, or refused with a <see cref="ModelFileException"/>; nothing else happens.
/// </summary>
public sealed class GgufFuzzTests
{
    private static readonly byte[] Good = new SyntheticModel
    {
        Layers = 1, Dim = 4, Heads = 2, KvHeads = 1, HeadDim = 2, Hidden = 3, Experts = 2, TopK = 1, Vocab = 4,
    }.ToWriter().ToBytes();

    [Theory]
    [InlineData(0x01)]
    [InlineData(0xFF)]
    public void EveryByteFlipped(byte bits) => Everywhere(Good.Length, (bytes, at) => bytes[at] ^= bits);

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0x7FFFFFFFUL)]
    public void EveryEightBytesReplaced(ulong value) =>
        Everywhere(Good.Length - 8, (bytes, at) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), value));

    [Fact]
    public void EveryTruncation()
    {
        using var file = new TemporaryFile();
        for (int length = 0; length < Good.Length; length++)
        {
            File.WriteAllBytes(file.Path, Good[..length]);
            Assert.Throws<ModelFileException>(() => ModelSource.Open(file.Path).Dispose());
        }
    }

    private static void Everywhere(int places, Action<byte[], int> damage)
    {
        using var file = new TemporaryFile();
        int refused = 0;
        for (int at = 0; at < places; at++)
        {
            byte[] bytes = [.. Good];
            damage(bytes, at);
            File.WriteAllBytes(file.Path, bytes);
            try
            {
                using ModelSource source = ModelSource.Open(file.Path);
                ReadAll(source);
            }
            catch (ModelFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, places / 4, places - 1);
    }

    private static void ReadAll(ModelSource source)
    {
        source.Describe();
        for (int layer = 0; layer < source.Config.LayerCount; layer++)
        {
            for (int expert = 0; expert < Math.Max(1, source.Config.ExpertCount); expert++)
            {
                foreach (MatrixRole role in Enum.GetValues<MatrixRole>())
                {
                    RowTileLayout layout = source.Layout(role, layer, expert);
                    source.CopyTiles(role, layer, expert, 0, layout.Tiles, new byte[layout.Bytes]);
                }
            }
            foreach (NormRole role in Enum.GetValues<NormRole>()) source.Norm(role, layer);
            if (source.Config.IsSparse) source.Router(layer);
        }
    }
}
