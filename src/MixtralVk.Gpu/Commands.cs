using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>What part of the pipeline touches a range, and how. Host accesses happen outside command buffers.</summary>
[Flags]
internal enum AccessKind
{
    ShaderRead = 1,
    ShaderWrite = 2,
    TransferRead = 4,
    TransferWrite = 8,
    IndirectRead = 16,
    HostRead = 32,
    AnyWrite = ShaderWrite | TransferWrite,
}

/// <summary>One access of a command to a range.</summary>
internal readonly record struct Access(BufferView View, AccessKind Kind)
{
    public bool Writes => (Kind & AccessKind.AnyWrite) != 0;
}

/// <summary>A recorded command and the ranges it touches: what is turned into Vulkan calls, and what the hazard replay reads.</summary>
internal abstract record Command(IReadOnlyList<Access> Accesses)
{
    /// <summary>The concurrent group the command was recorded in; 0 for none.</summary>
    public int Group { get; init; }
}

/// <summary>A dispatch; <paramref name="Indirect"/> holds its size where the GPU decides it.</summary>
internal sealed record DispatchCommand(PipelineKey Pipeline, IReadOnlyList<NamedBuffer> Buffers, uint[] Push, DispatchSize Size,
    BufferView? Indirect, IReadOnlyList<Access> Accesses)
    : Command(Accesses);

/// <summary>A copy between two ranges of equal length.</summary>
internal sealed record CopyCommand(BufferView Source, BufferView Destination)
    : Command([new(Source, AccessKind.TransferRead), new(Destination, AccessKind.TransferWrite)]);

/// <summary>Sets every word of a range.</summary>
internal sealed record FillCommand(BufferView Destination, uint Value) : Command([new(Destination, AccessKind.TransferWrite)]);

/// <summary>Writes the time at which all commands before it have finished, in the place of an earlier one.</summary>
internal sealed record TimestampCommand(GpuTimer Timer, int Index) : Command([]);

/// <summary>
/// A memory barrier: what wrote before (<paramref name="From"/>) is seen by what comes after (<paramref name="To"/>). As an execution
/// dependency it also orders reads before it against writes after it.
/// </summary>
internal sealed record BarrierCommand(AccessKind From, AccessKind To) : Command([])
{
    /// <summary>Everything a command buffer does against everything it does.</summary>
    public const AccessKind Device =
        AccessKind.ShaderRead | AccessKind.ShaderWrite | AccessKind.TransferRead | AccessKind.TransferWrite | AccessKind.IndirectRead;

    /// <summary>What a queue does that only copies, which knows no other stages.</summary>
    public const AccessKind Copies = AccessKind.TransferRead | AccessKind.TransferWrite;

    public static PipelineStageFlags2 StagesOf(AccessKind kinds) =>
        ((kinds & (AccessKind.ShaderRead | AccessKind.ShaderWrite)) != 0 ? PipelineStageFlags2.ComputeShaderBit : 0)
        | ((kinds & (AccessKind.TransferRead | AccessKind.TransferWrite)) != 0 ? PipelineStageFlags2.AllTransferBit : 0)
        | (kinds.HasFlag(AccessKind.IndirectRead) ? PipelineStageFlags2.DrawIndirectBit : 0)
        | (kinds.HasFlag(AccessKind.HostRead) ? PipelineStageFlags2.HostBit : 0);

    public static AccessFlags2 AccessesOf(AccessKind kinds) =>
        (kinds.HasFlag(AccessKind.ShaderRead) ? AccessFlags2.ShaderReadBit | AccessFlags2.UniformReadBit : 0)
        | (kinds.HasFlag(AccessKind.ShaderWrite) ? AccessFlags2.ShaderStorageWriteBit : 0)
        | (kinds.HasFlag(AccessKind.TransferRead) ? AccessFlags2.TransferReadBit : 0)
        | (kinds.HasFlag(AccessKind.TransferWrite) ? AccessFlags2.TransferWriteBit : 0)
        | (kinds.HasFlag(AccessKind.IndirectRead) ? AccessFlags2.IndirectCommandReadBit : 0)
        | (kinds.HasFlag(AccessKind.HostRead) ? AccessFlags2.HostReadBit : 0);
}
