namespace MixtralVk.Model;

/// <summary>Bounds of a model's sizes: far above any real model and low enough that no product of them overflows.</summary>
internal static class ModelLimits
{
    public const int MaxLayers = 1024, MaxDim = 1 << 17, MaxHeads = 4096, MaxHeadDim = 4096, MaxHidden = 1 << 20, MaxExperts = 1024,
        MaxContext = 1 << 26, MaxVocab = 1 << 22;

    /// <summary>What is wrong with the sizes, in words; null when nothing is.</summary>
    public static string? Problem(ModelConfig config)
    {
        foreach (var (name, value, least, most) in (ReadOnlySpan<(string, int, int, int)>)
        [
            ("layers", config.LayerCount, 1, MaxLayers), ("dimensions", config.Dim, 1, MaxDim), ("heads", config.HeadCount, 1, MaxHeads),
            ("key/value heads", config.KvHeadCount, 1, MaxHeads), ("dimensions per head", config.HeadDim, 2, MaxHeadDim),
            ("hidden dimensions", config.HiddenDim, 1, MaxHidden), ("experts", config.ExpertCount, 0, MaxExperts),
            ("experts per token", config.ExpertsPerToken, Math.Min(1, config.ExpertCount), config.ExpertCount),
            ("tokens in the vocabulary", config.VocabSize, 1, MaxVocab), ("tokens of context", config.ContextLength, 1, MaxContext),
            ("rotated dimensions per head", config.RopeDim, 2, config.HeadDim),
        ])
            if (value < least || value > most) return $"{value} {name}; {least} to {most} are supported";
        if (config.HeadCount % config.KvHeadCount != 0)
            return $"{config.HeadCount} heads are no multiple of {config.KvHeadCount} key/value heads";
        if (config.HeadDim % 2 != 0 || config.RopeDim % 2 != 0)
            return $"heads of {config.HeadDim} with RoPE over {config.RopeDim}; both must be even";
        if ((long)config.HeadCount * config.HeadDim > MaxHidden)
            return $"{config.HeadCount} heads of {config.HeadDim} are more than {MaxHidden} together";
        return RopeProblem(config)
            ?? (IsPositive(config.RmsEpsilon) ? null : $"RMSNorm epsilon {config.RmsEpsilon}, not a finite positive number");
    }

    private static string? RopeProblem(ModelConfig config)
    {
        RopeScaling scaling = config.RopeScaling;
        if (!IsPositive(config.RopeBase)) return $"RoPE base {config.RopeBase}, not a finite positive number";
        if (!Enum.IsDefined(scaling.Kind)) return $"RoPE scaling of the unknown kind {(int)scaling.Kind}";
        if (!IsPositive(scaling.Factor) || !IsPositive(scaling.AttentionFactor))
            return $"RoPE scaling by {scaling.Factor} and {scaling.AttentionFactor}, not finite positive numbers";
        if (scaling.Kind == RopeScalingKind.Yarn && (scaling.OriginalContext is < 1 or > MaxContext || !IsPositive(scaling.BetaFast)
            || !IsPositive(scaling.BetaSlow) || config.RopeBase <= 1))
            return "YaRN scaling with numbers out of their range";
        if (config.RopeFactors.Count != 0 && config.RopeFactors.Count != config.RopeDim / 2)
            return $"{config.RopeFactors.Count} RoPE factors for {config.RopeDim / 2} pairs";
        return config.RopeFactors.All(IsPositive) ? null : "RoPE factors that are not finite positive numbers";
    }

    private static bool IsPositive(float value) => float.IsFinite(value) && value > 0;
}
