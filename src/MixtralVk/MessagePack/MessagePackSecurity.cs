namespace MessagePack;

/// <summary>How deep values of a stranger may nest; recursive readers call <see cref="DepthStep"/> before they go down and lower the depth after.</summary>
internal sealed class MessagePackSecurity
{
    public static readonly MessagePackSecurity UntrustedData = new();

    /// <summary>Most maps and arrays inside each other.</summary>
    public int MaximumObjectGraphDepth { get; init; } = 500;

    /// <summary>Counts one level; throws <see cref="InsufficientExecutionStackException"/> past the last.</summary>
    public void DepthStep(ref MessagePackReader reader)
    {
        if (reader.Depth >= MaximumObjectGraphDepth)
            throw new InsufficientExecutionStackException($"Maps and arrays are nested deeper than {MaximumObjectGraphDepth}.");
        reader.Depth++;
    }
}
