using System.Diagnostics;
using System.Text;

namespace MixtralVk.Testing.Fuzzing;

/// <summary>
/// What one input did. <paramref name="Outcome"/> is how it ended without its names and numbers, so that inputs which end otherwise than
/// all before can be told; <paramref name="Problem"/> is null where nothing is wrong.
/// </summary>
public sealed record FuzzCheck(string Outcome, string? Problem)
{
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);

    /// <summary>True where the input was no good and was refused as it should be.</summary>
    public bool Refused => Problem is null && Outcome != "accepted";

    /// <summary>
    /// Runs an input: it must be accepted or refused with a <see cref="MixtralException"/>, in seconds, and with no more memory than its
    /// length justifies.
    /// </summary>
    public static FuzzCheck Run(FuzzTarget target, byte[] input, string folder)
    {
        string outcome = "accepted";
        string? problem = null;
        long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        try
        {
            target.Run(input, folder);
        }
        catch (MixtralException e)
        {
            outcome = Shape(e);
        }
#pragma warning disable CA1031 // any other exception is what is looked for
        catch (Exception e)
#pragma warning restore CA1031
        {
            problem = $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}";
        }
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (time > MostTime) problem ??= $"took {time.TotalSeconds:0.0} s";
        if (allocated > target.AllowedBytes(input.Length))
            problem ??= $"allocated {allocated} bytes for an input of {input.Length}; {target.AllowedBytes(input.Length)} are allowed";
        return new FuzzCheck(outcome, problem);
    }

    /// <summary>The message without what is quoted and without numbers.</summary>
    private static string Shape(MixtralException e)
    {
        var shape = new StringBuilder(e.GetType().Name).Append(' ');
        bool quoted = false;
        foreach (char c in e.Message)
        {
            if (c == '\'') quoted = !quoted;
            else if (!quoted && !char.IsAsciiDigit(c) && shape.Length < 120) shape.Append(c);
        }
        return shape.ToString();
    }
}
