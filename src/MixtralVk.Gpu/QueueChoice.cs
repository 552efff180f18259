namespace MixtralVk.Gpu;

/// <summary>A queue beside those of a host that renders.</summary>
/// <param name="Family">Its family.</param>
/// <param name="Index">Its index in the family.</param>
/// <param name="IsShared">The device has no other queue than the host's own.</param>
/// <param name="GlobalPriority">The extension that puts it behind the queues of all programs; null where there is none or it would hold for
/// the host's queues too.</param>
public readonly record struct QueueChoice(int Family, int Index, bool IsShared, string? GlobalPriority);
