namespace MixtralVk.Gpu;

/// <summary>
/// What makes a pipeline different from another: the shader, its specialisation constants, its interface (<paramref name="Bindings"/>: a
/// <see cref="BindingKind"/> each) and the subgroup size asked for (0: the driver's choice).
/// </summary>
internal readonly record struct PipelineKey(string Shader, WordList Constants, WordList Bindings, int PushWords, uint SubgroupSize)
{
    /// <summary>The pipeline of a kernel, whatever buffers it binds.</summary>
    public static PipelineKey Of(IKernel kernel)
    {
        List<NamedConstant> constants = [], push = [];
        List<NamedBuffer> buffers = [];
        var bindings = new Bindings(constants, buffers, push);
        kernel.Bind(ref bindings);
        return new PipelineKey(kernel.Shader, new WordList([.. constants.Select(c => c.Bits)]),
            new WordList([.. buffers.Select(b => (uint)b.Kind)]), push.Count,
            bindings.SubgroupSize);
    }

    public override string ToString() => $"{Shader}({string.Join(", ", Constants.Values)})";
}

/// <summary>Words compared by value.</summary>
internal readonly struct WordList(uint[] values) : IEquatable<WordList>
{
    public uint[] Values { get; } = values;

    public bool Equals(WordList other) => Values.AsSpan().SequenceEqual(other.Values);

    public override bool Equals(object? obj) => obj is WordList other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (uint value in Values) hash.Add(value);
        return hash.ToHashCode();
    }
}
