using System.Numerics;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>Floats of keys and values in <see cref="KvFormat.Q8_0"/>.</summary>
internal static unsafe class QuantizedKv
{
    private const int PageTokens = KvPages.PageTokens;

    /// <summary>A head's keys of a page, (headDim, 32 tokens); a lane owns a token.</summary>
    public static void Keys(int* words, float* keys, int headDim)
    {
        int* scales = words + KvLayout.Quads(headDim) * PageTokens;
        for (int d = 0; d < headDim; d++)
        {
            int* quads = words + d / 4 * PageTokens, scale = scales + d / (2 * KvLayout.ScaleDims) * PageTokens;
            int shift = 24 - d % 4 * 8;
            bool isUpper = d / KvLayout.ScaleDims % 2 == 1;
            for (int lane = 0; lane < PageTokens; lane += Vector<int>.Count)
            {
                Vector<int> both = Vector.Load(scale + lane);
                Vector<float> step = Lanes.FromHalf(isUpper ? both >>> 16 : both & new Vector<int>(0xFFFF));
                (Vector.ConvertToSingle(Vector.Load(quads + lane) << shift >> 24) * step).Store(keys + d * PageTokens + lane);
            }
        }
    }

    /// <summary>One token's value of a head, (headDim).</summary>
    public static void Value(byte* head, int token, float* value, int headDim)
    {
        int quads = KvLayout.Quads(headDim);
        byte* row = head + 4 * quads * token, scales = head + 4 * PageTokens * quads + 4 * token;
        for (int first = 0; first < headDim; first += KvLayout.ScaleDims)
        {
            int block = first / KvLayout.ScaleDims;
            float scale = (float)((Half*)(scales + block / 2 * 4 * PageTokens))[block % 2];
            Lanes.FromBytes((sbyte*)row + first, scale, value + first, Math.Min(KvLayout.ScaleDims, headDim - first));
        }
    }
}
