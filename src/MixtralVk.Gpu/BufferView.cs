namespace MixtralVk.Gpu;

/// <summary>A range of a buffer, in bytes: what kernels bind and what hazards are tracked by.</summary>
public readonly record struct BufferView
{
    /// <summary>Makes a view; throws when it does not lie inside the buffer.</summary>
    public BufferView(GpuBuffer buffer, ulong offset, ulong length)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        if (offset > buffer.Size || length > buffer.Size - offset)
            throw new ArgumentOutOfRangeException(nameof(length),
                $"[{offset}, +{length}) is outside buffer {buffer.Name} of {buffer.Size} bytes.");
        Buffer = buffer;
        Offset = offset;
        Length = length;
    }

    /// <summary>The buffer.</summary>
    public GpuBuffer Buffer { get; }

    /// <summary>First byte, counted from the start of <see cref="Buffer"/>.</summary>
    public ulong Offset { get; }

    /// <summary>Length in bytes.</summary>
    public ulong Length { get; }

    /// <summary>A part of this view.</summary>
    public BufferView Slice(ulong offset, ulong length)
    {
        if (offset > Length || length > Length - offset)
            throw new ArgumentOutOfRangeException(nameof(length), $"[{offset}, +{length}) is outside a view of {Length} bytes.");
        return new BufferView(Buffer, Offset + offset, length);
    }

    /// <summary>True when both views share a byte.</summary>
    public bool Overlaps(BufferView other) =>
        ReferenceEquals(Buffer, other.Buffer) && Offset < other.Offset + other.Length && other.Offset < Offset + Length;
}
