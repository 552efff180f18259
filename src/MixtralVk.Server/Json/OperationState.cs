namespace MixtralVk.Server.Json;

/// <summary>What the operator's page shows.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Device">Where it is computed; null while it is loaded.</param>
/// <param name="Seats">Requests that can be answered at once.</param>
/// <param name="QueueLimit">Requests that can wait.</param>
/// <param name="ModelBytes">Memory of weights, keys and values.</param>
/// <param name="Requests">Requests since the start.</param>
/// <param name="Refused">Those of them that were not answered with success.</param>
/// <param name="PromptTokens">Tokens of prompts since the start.</param>
/// <param name="CachedTokens">Those of them that did not have to be computed.</param>
/// <param name="Samples">The last minutes, a second each.</param>
/// <param name="FirstTokens">Seconds to the first token of the latest requests.</param>
/// <param name="NextTokens">Mean seconds between two tokens of the latest requests.</param>
internal sealed record OperationState(
    string Model, string? Device, int Seats, int QueueLimit, long ModelBytes, long Requests, long Refused,
    long PromptTokens, long CachedTokens,
    IReadOnlyList<LoadSample> Samples, IReadOnlyList<double> FirstTokens, IReadOnlyList<double> NextTokens);

/// <summary>A second of operation.</summary>
/// <param name="Tokens">Tokens generated in it.</param>
/// <param name="Active">Requests that are answered at its end.</param>
/// <param name="Queued">Requests that wait at its end.</param>
/// <param name="Memory">Bytes of the process at its end.</param>
/// <param name="ExpertHitRate">Of the experts that its tokens chose, the share that was on the GPU; null where none were chosen, or GPU and
/// processor do not share them.</param>
internal readonly record struct LoadSample(long Tokens, int Active, int Queued, long Memory, double? ExpertHitRate);
