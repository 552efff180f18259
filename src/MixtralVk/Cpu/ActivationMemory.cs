using MixtralVk.Cpu.Bytes;

namespace MixtralVk.Cpu;

/// <summary>Memory for what steps write, allocated piece by piece and freed all at once.</summary>
internal sealed unsafe class ActivationMemory : IDisposable
{
    private readonly List<NativeBuffer> _buffers = [];

    /// <summary>So many floats.</summary>
    public float* Floats(long count) => (float*)Bytes(count * sizeof(float));

    /// <summary>So many whole numbers.</summary>
    public int* Ints(long count) => (int*)Bytes(count * sizeof(int));

    /// <summary>So many bytes.</summary>
    public byte* Bytes(long count)
    {
        var buffer = new NativeBuffer(count);
        _buffers.Add(buffer);
        return buffer.Pointer;
    }

    /// <summary>Rows that matrices are multiplied with.</summary>
    public ProductInput Input(long rows, int cols, CpuArithmetic arithmetic) => Input(Floats(rows * cols), rows, cols, arithmetic);

    /// <summary>
    /// The same over floats (rows, cols) that somebody else owns. Rows of a length that is no multiple of a block's are of no format that
    /// takes bytes.
    /// </summary>
    public ProductInput Input(float* floats, long rows, int cols, CpuArithmetic arithmetic)
    {
        bool bytes = arithmetic == CpuArithmetic.Int8 && cols % ActivationBlock.Cols == 0;
        return new ProductInput(floats, (ActivationBlock*)(bytes ? Bytes(rows * ProductInput.BlockStride(cols)) : null),
            cols, ByteProduct.Best);
    }

    /// <summary>The router's choices of so many entries (token, choice), to be sorted by expert.</summary>
    public ExpertGroups Groups(int topK, long experts, long entries) => new()
    {
        TopK = topK, Counts = Ints(experts), Offsets = Ints(experts), Active = Ints(experts), Entries = Ints(entries),
    };

    public void Dispose()
    {
        foreach (NativeBuffer buffer in _buffers) buffer.Dispose();
    }
}
