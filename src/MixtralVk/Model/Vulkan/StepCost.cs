using MixtralVk.Gpu;

namespace MixtralVk.Model.Vulkan;

/// <summary>What the device is told to do in one step, whatever its tokens are.</summary>
/// <param name="Dispatches">Dispatches in all.</param>
/// <param name="IndirectDispatches">Those whose size the step decides; an expert that no token chose costs an empty one.</param>
/// <param name="Barriers">Pipeline barriers.</param>
/// <param name="Copies">Copies and fills.</param>
/// <param name="Submissions">Submissions to the queue, at the most: where the host may compute experts, a layer takes up to two
/// more.</param>
public readonly record struct StepCost(int Dispatches, int IndirectDispatches, int Barriers, int Copies, int Submissions)
{
    internal static StepCost Of(IReadOnlyCollection<Recording> recordings, int submissions) => new(
        recordings.Sum(r => r.DispatchCount), recordings.Sum(r => r.IndirectDispatchCount), recordings.Sum(r => r.BarrierCount),
        recordings.Sum(r => r.CopyCount), submissions);
}
