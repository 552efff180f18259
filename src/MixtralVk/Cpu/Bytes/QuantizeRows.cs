using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MixtralVk.Cpu.Bytes;

/// <summary>Rounds rows of activations to <see cref="ActivationBlock"/>s; the same bits on every processor.</summary>
internal static unsafe class QuantizeRows
{
    // Below, 127 / largest could overflow. Such a block is nothing beside any other.
    private const float Least = 1e-30f;

    /// <summary>Does nothing where no matrix takes bytes.</summary>
    /// <param name="threads">Work is split by rows.</param>
    /// <param name="input">Its floats are read, its blocks written.</param>
    /// <param name="rows">Number of rows.</param>
    public static void Run(WorkerThreads threads, in ProductInput input, int rows)
    {
        if (input.Blocks != null) threads.Run(new Work(input), rows);
    }

    /// <summary>The same for the rows that are listed.</summary>
    public static void Run(WorkerThreads threads, in ProductInput input, int* rows, int count)
    {
        if (input.Blocks != null) threads.Run(new Work(input, rows), count);
    }

    private readonly struct Work(ProductInput input, int* rows = null) : IWork
    {
        public void Run(int item, int worker)
        {
            int row = rows == null ? item : rows[item];
            float* from = input.FloatsOf(row);
            ActivationBlock* to = input.BlocksOf(row);
            for (int col = 0; col < input.Cols; col += ActivationBlock.Cols) Block(from + col, to++);
        }
    }

    /// <summary>One block of 32 activations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(float* from, ActivationBlock* to)
    {
        // Magnitudes compare as integers, in which infinity and NaN are above all numbers.
        Vector128<int> largest = Vector128<int>.Zero;
        for (int i = 0; i < ActivationBlock.Cols; i += 4)
            largest = Vector128.Max(largest, Vector128.Load((int*)from + i) & Vector128.Create(int.MaxValue));
        largest = Vector128.Max(largest, Vector128.Shuffle(largest, Vector128.Create(2, 3, 0, 1)));
        largest = Vector128.Max(largest, Vector128.Shuffle(largest, Vector128.Create(1, 0, 3, 2)));
        float most = BitConverter.Int32BitsToSingle(largest.ToScalar());
        bool tiny = most < Least;
        to->Scale = tiny ? 0 : most / 127;
        var inverse = Vector128.Create(tiny ? 0 : 127 / most);
        Vector128<short> first = Half(from, inverse, to->Levels), second = Half(from + 16, inverse, to->Levels + 16);
        to->FirstPairs = first.AsInt32().ToScalar();
        to->SecondPairs = second.AsInt32().ToScalar();
        to->Pairs = (first + second).AsInt32().ToScalar();
    }

    /// <summary>16 levels; returns their sums by pairs in the lowest word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Half(float* from, Vector128<float> inverse, sbyte* to)
    {
        Vector128<short> a = Vector128.Narrow(Round(from, inverse), Round(from + 4, inverse)),
            b = Vector128.Narrow(Round(from + 8, inverse), Round(from + 12, inverse));
        Vector128<sbyte> levels = Vector128.Narrow(a, b);
        levels.Store(to);
        Vector128<short> pairs = (levels.AsInt16() << 8 >> 8) + (levels.AsInt16() >> 8);
        pairs += Vector128.Shuffle(pairs.AsInt32(), Vector128.Create(2, 3, 0, 1)).AsInt16();
        return pairs + Vector128.Shuffle(pairs.AsInt32(), Vector128.Create(1, 0, 3, 2)).AsInt16();
    }

    /// <summary>Nearest integers, ties to even: the sum with 1.5 * 2^23 has them in its lowest bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Round(float* from, Vector128<float> inverse) =>
        (Vector128.Load(from) * inverse + Vector128.Create(12582912f)).AsInt32() - Vector128.Create(0x4B400000);
}
