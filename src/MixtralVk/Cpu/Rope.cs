namespace MixtralVk.Cpu;

/// <summary>
/// Rotary position embedding in place: pair (2i, 2i+1) of a head turns by position * base^(-2i / ropeDim). Su et al., "RoFormer",
/// arXiv 2104.09864, equation 34.
/// </summary>
internal static unsafe class Rope
{
    /// <param name="threads">Work is split by rows.</param>
    /// <param name="vectors">(rows, heads, headDim)</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="heads">Heads of a row.</param>
    /// <param name="headDim">Length of a head.</param>
    /// <param name="ropeDim">Leading dimensions of a head that turn.</param>
    /// <param name="table">Of <see cref="Model.RopeTable"/>.</param>
    /// <param name="positions">(rows)</param>
    public static void Run(WorkerThreads threads, float* vectors, int rows, int heads, int headDim, int ropeDim,
        float* table, int* positions) =>
        threads.Run(new Work(vectors, heads, headDim, ropeDim, table, positions), rows);

    private readonly struct Work(float* vectors, int heads, int headDim, int ropeDim, float* table, int* positions) : IWork
    {
        public void Run(int row, int worker)
        {
            float* turns = table + (long)positions[row] * ropeDim, head = vectors + (long)row * heads * headDim;
            for (int h = 0; h < heads; h++, head += headDim)
                for (int i = 0; i < ropeDim; i += 2)
                {
                    float cos = turns[i], sin = turns[i + 1], a = head[i], b = head[i + 1];
                    head[i] = a * cos - b * sin;
                    head[i + 1] = a * sin + b * cos;
                }
        }
    }
}
