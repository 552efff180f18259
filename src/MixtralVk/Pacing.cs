namespace MixtralVk;

/// <summary>When a model computes.</summary>
public enum Pacing
{
    /// <summary>Whenever there is something to do: servers, tools, kiosks.</summary>
    Free,
    /// <summary>Within what <see cref="MixtralModel.Tick"/> grants, once per frame, and not without it: games.</summary>
    PerFrame,
}
