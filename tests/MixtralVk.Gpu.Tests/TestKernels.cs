namespace MixtralVk.Gpu.Tests;

/// <summary>output[i] = input[i] * Factor + Offset.</summary>
internal readonly record struct Scale(BufferView Input, BufferView Output, uint Count, uint Factor, uint Offset) : IKernel
{
    public string Shader => "scale";

    public DispatchSize Workgroups => new((Count + 63) / 64);

    public void Bind(ref Bindings b)
    {
        b.Constant(Factor);
        b.Read(Input);
        b.Write(Output);
        b.Push(Count);
        b.Push(Offset);
    }
}

/// <summary>Writes the indirect size of a <see cref="Scale"/>.</summary>
internal readonly record struct WriteSize(BufferView Size, uint Count) : IKernel
{
    public string Shader => "write_size";

    public DispatchSize Workgroups => new(1);

    public void Bind(ref Bindings b)
    {
        b.Write(Size);
        b.Push(Count);
    }
}
