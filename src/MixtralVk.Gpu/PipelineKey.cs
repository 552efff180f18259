namespace MixtralVk.Gpu;

/// <summary>What makes a pipeline different from another: the shader, its specialisation constants and its interface.</summary>
internal readonly record struct PipelineKey(string Shader, ConstantList Constants, int BufferCount, int PushWords)
{
    /// <summary>The pipeline of a kernel, whatever buffers it binds.</summary>
    public static PipelineKey Of(IKernel kernel)
    {
        List<NamedConstant> constants = [], push = [];
        List<NamedBuffer> buffers = [];
        var bindings = new Bindings(constants, buffers, push);
        kernel.Bind(ref bindings);
        return new PipelineKey(kernel.Shader, new ConstantList([.. constants.Select(c => c.Bits)]), buffers.Count, push.Count);
    }

    public override string ToString() => $"{Shader}({string.Join(", ", Constants.Values)})";
}

/// <summary>Specialisation constants, compared by value.</summary>
internal readonly struct ConstantList(uint[] values) : IEquatable<ConstantList>
{
    public uint[] Values { get; } = values;

    public bool Equals(ConstantList other) => Values.AsSpan().SequenceEqual(other.Values);

    public override bool Equals(object? obj) => obj is ConstantList other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (uint value in Values) hash.Add(value);
        return hash.ToHashCode();
    }
}
