using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace MixtralVk.SaveGames;

/// <summary>
/// Names a model's file without reading tens of gigabytes: SHA-256 of its length, its first MiB (header, vocabulary) and 256 blocks of 4
/// KiB spread evenly over the rest. Computed once per loaded model, when first needed.
/// </summary>
internal static class ModelFingerprint
{
    private const int Beginning = 1 << 20, Block = 4096, Blocks = 256;

    private static readonly ConditionalWeakTable<MixtralModel, byte[]> Known = [];

    public static byte[] Of(MixtralModel model) => Known.GetValue(model, m => OfFile(m.Path));

    public static byte[] OfFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        long length = file.Length;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(length));
        byte[] buffer = new byte[Beginning];
        Add(0, Beginning);
        long rest = length - Beginning;
        for (int i = 0; i < Blocks && rest > 0; i++) Add(Beginning + rest * i / Blocks, Block);
        return hash.GetHashAndReset();

        void Add(long offset, int count)
        {
            file.Position = offset;
            hash.AppendData(buffer, 0, file.ReadAtLeast(buffer.AsSpan(0, count), count, throwOnEndOfStream: false));
        }
    }
}
