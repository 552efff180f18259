namespace ExpertSimulator;

/// <summary>What becomes of experts that have no slot.</summary>
internal enum Policy
{
    /// <summary>The processor computes them; each layer keeps the experts of the lowest numbers.</summary>
    Fixed,
    /// <summary>
    /// The processor computes them; those used often take the slots of those used little, within a tenth of the time: the engine's own rule
    /// and classes.
    /// </summary>
    FollowsUse,
    /// <summary>The processor computes them; each layer keeps those the whole text uses most, which nobody can know beforehand.</summary>
    MostUsed,
    /// <summary>
    /// They are uploaded before they are computed, in the place of the one used least recently: the GPU computes everything.
    /// </summary>
    UploadMisses,
}
