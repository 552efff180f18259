using System.Numerics;

namespace MixtralVk.Cpu;

/// <summary>output[t, c] = input[t, c] / sqrt(mean over c of input^2 + epsilon) * weight[c].</summary>
internal static unsafe class RmsNorm
{
    /// <param name="threads">Work is split by rows.</param>
    /// <param name="input">(rows, cols)</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="cols">Length of a row.</param>
    /// <param name="weight">(cols)</param>
    /// <param name="epsilon">Keeps a row of zeros finite.</param>
    /// <param name="output">(rows, cols)</param>
    /// <param name="status">Gets <paramref name="layer"/> when a sum of squares is not finite.</param>
    /// <param name="layer">The layer that made the input.</param>
    public static void Run(WorkerThreads threads, float* input, int rows, int cols, float* weight, float epsilon,
        float* output, int* status,
        int layer) =>
        threads.Run(new Work(input, cols, weight, epsilon, output, status, layer), rows);

    private readonly struct Work(float* input, int cols, float* weight, float epsilon, float* output, int* status, int layer) : IWork
    {
        public void Run(int row, int worker)
        {
            float* x = input + (long)row * cols, y = output + (long)row * cols;
            float squares = Lanes.Dot(x, x, cols);
            if (!float.IsFinite(squares)) StepStatus.Report(status, layer);
            float scale = 1 / MathF.Sqrt(squares / cols + epsilon);
            int c = 0;
            for (; c <= cols - Vector<float>.Count; c += Vector<float>.Count)
                (Vector.Load(x + c) * new Vector<float>(scale) * Vector.Load(weight + c)).Store(y + c);
            for (; c < cols; c++) y[c] = x[c] * scale * weight[c];
        }
    }
}
